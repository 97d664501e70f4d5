"""`make course`: the chapter's comparison in one command, which ends in its two lines and the students' page."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from profiles.store.run_folder import RunFolder
from tests.conftest import PROJECT


@pytest.mark.slow
def test_it_ends_in_the_two_lines_their_ratio_and_the_students_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    command = [sys.executable, "-m", "scripts.course", "--size=1MiB", "--seconds=5", "--run=course"]
    for option, name in (("root", "data"), ("runs-folder", "runs"), ("reports-folder", "reports")):
        command.append(f"--{option}={tmp_path / name}")
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    *_, read_whole, first, sendfile, second, ratio, page = done.stdout.splitlines()
    assert read_whole.startswith("read-whole: ") and sendfile.startswith("sendfile: ")
    for line in (first, second):
        assert re.fullmatch(r"Time taken: \d+\.\d+ seconds", line), done.stdout
    assert re.match(r"sendfile takes .*\d\.\d\dx.* the time of read-whole \(\d+ rounds, ", ratio)
    path = tmp_path / "reports" / "course" / "students.html"
    assert page == f"students' page: {path} (there is no desktop here: open it yourself)" and path.exists()
    run = RunFolder(tmp_path / "runs" / "course").read_run()
    assert (run.modes, run.users, run.sink) == (("read-whole", "sendfile"), 1, "copy")


def test_what_ends_the_campaign_ends_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scripts.course", "--size=1MiB", f"--root={tmp_path}", "--run=.."]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 2 and "error: RUN='..' is not a valid run name" in done.stderr
    assert "Traceback" not in done.stderr and "Time taken" not in done.stdout
