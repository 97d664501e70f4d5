"""What a recorder writes outlives neither a tidy end nor a kill."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from profiles.scratch import Scratch
from tests.conftest import PROJECT

HOLDER = """
from profiles.scratch import Scratch
from pathlib import Path
import sys
scratch = Scratch()
(scratch.path / "out.svg").write_text("half a picture")
scratch.claim(Path(sys.argv[1]))
print(scratch.path, flush=True)
input()
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files, of this test and its children alone."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def age(folder: Path) -> None:
    os.utime(folder, (time.time() - 3600, time.time() - 3600))


def test_it_is_gone_when_it_is_closed(place: Path) -> None:
    scratch = Scratch()
    (scratch.path / "folder").mkdir()
    scratch.claim(place / "never written")
    scratch.close()
    scratch.close()
    assert list(place.iterdir()) == []


def test_what_a_killed_process_left_goes_and_what_is_held_stays(place: Path) -> None:
    claimed = place / "perf-1234.map"
    claimed.write_text("written by another")
    command = [sys.executable, "-c", HOLDER, str(claimed)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        held = Path(holder.stdout.readline().strip())
        age(held)
        Scratch().close()
        assert (held / "out.svg").exists() and claimed.exists()
        holder.send_signal(signal.SIGKILL)
        holder.wait(20)
        assert held.exists()
        Scratch().close()
        assert list(place.iterdir()) == []


def test_nothing_else_is_touched(place: Path) -> None:
    scratch = Scratch()
    name = scratch.path.name
    scratch.close()
    others = [place / "zero-copy-bench-other", place / f"{name}-young"]
    for folder in others:
        folder.mkdir()
    age(others[0])
    (place / f"{name}-file").write_text("no folder")
    age(place / f"{name}-file")
    (place / f"{name}-link").symlink_to(others[0])
    before = sorted(place.iterdir())
    Scratch().close()
    assert sorted(place.iterdir()) == before
