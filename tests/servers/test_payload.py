"""The test file: reproducible, whole or not there, never sparse."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from errors import UserError
from servers import payload
from tests.conftest import PROJECT


@pytest.mark.parametrize("size_bytes", [0, 1, 104_729, payload.BLOCK_BYTES, 9 * payload.BLOCK_BYTES + 7])
def test_anyone_can_check_any_range(tmp_path: Path, size_bytes: int) -> None:
    told: list[int] = []
    path = payload.make(tmp_path, size_bytes, told.append)
    content = path.read_bytes()
    expected = b"".join(
        hashlib.shake_128(b"zero-copy bench, block %d" % number).digest(1 << 20) for number in range(10)
    )[:size_bytes]
    assert content == expected
    assert sum(told) == size_bytes
    assert path.stat().st_blocks * 512 >= size_bytes
    assert payload.exists(tmp_path, size_bytes) and not payload.exists(tmp_path, size_bytes + 1)


def test_the_digest_has_the_form_of_sha256sum(tmp_path: Path) -> None:
    path = payload.make(tmp_path, 1000, lambda _: None)
    done = subprocess.run(["sha256sum", "-c", path.name + ".sha256"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0


def test_making_it_again_replaces_it(tmp_path: Path) -> None:
    payload.make(tmp_path, 1000, lambda _: None)
    payload.make(tmp_path, 500, lambda _: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["test-file.bin", "test-file.bin.sha256"]
    assert payload.exists(tmp_path, 500)


def test_no_space_leaves_nothing_behind(tmp_path: Path) -> None:
    """RLIMIT_FSIZE stands in for a full disk."""
    script = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, -1)); import runpy; runpy.run_module('servers.payload', "
        "run_name='__main__', alter_sys=True)"
    )
    command = [sys.executable, "-c", script, "--size", "8MiB", "--root", str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot make") and done.stderr.count("\n") == 1
    assert list((tmp_path / "8MiB").iterdir()) == []


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        payload.make(tmp_path, 1000, interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot make .*: Not a directory; a file is in the way"):
        payload.make(tmp_path / "file" / "below", 1000, lambda _: None)
