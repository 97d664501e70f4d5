"""A file that was written or replaced is told from an untouched one, and other bytes from the same ones."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from profiles.host import served_file
from profiles.host.served_file import ServedFile
from tests.conftest import SMALL_BYTES, eventually


def other_bytes_and_old_times(path: Path) -> None:
    times = path.stat()
    with path.open("r+b") as file:
        file.seek(SMALL_BYTES // 2)
        file.write(b"other bytes")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def another_file(path: Path) -> None:
    path.with_name("other").write_bytes(b"x" * SMALL_BYTES)
    path.with_name("other").rename(path)


def cut(path: Path) -> None:
    os.truncate(path, SMALL_BYTES - 1)


def remove(path: Path) -> None:
    path.unlink()


def copy_over_itself(path: Path) -> None:
    path.write_bytes(path.read_bytes())


def replace_by_a_copy(path: Path) -> None:
    shutil.copy2(path, path.with_name("copy"))
    path.with_name("copy").rename(path)


def touch_and_set_back(path: Path) -> None:
    times = path.stat()
    os.utime(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def nothing(path: Path) -> None:
    path.read_bytes()


CHANGES: dict[Callable[[Path], None], tuple[bool, bool]] = {
    other_bytes_and_old_times: (True, False),
    another_file: (True, False),
    cut: (True, False),
    remove: (True, False),
    copy_over_itself: (False, True),
    replace_by_a_copy: (False, True),
    touch_and_set_back: (False, True),
    nothing: (False, False),
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_was_done_to_it(served: Path, change: Callable[[Path], None]) -> None:
    path = served / "test-file.bin"
    before = ServedFile.now(path)
    eventually(lambda: _tick(served) > path.stat().st_ctime_ns)
    change(path)
    assert before.changes(path) == CHANGES[change]


def _tick(folder: Path) -> int:
    """The clock of file times, which ticks some hundred times a second."""
    (folder / "clock").write_bytes(b"tick")
    return (folder / "clock").stat().st_ctime_ns


def test_a_sample_tells_where_the_file_system_keeps_no_time_of_change(
    served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served_file, "identity_of", lambda _: (1, 2, 3))
    path = served / "test-file.bin"
    before = ServedFile.now(path)
    for place in (0, SMALL_BYTES - 1):
        with path.open("r+b") as file:
            file.seek(place)
            byte = file.read(1)
            file.seek(place)
            file.write(bytes([byte[0] ^ 1]))
        assert before.changes(path) == (True, False)
        with path.open("r+b") as file:
            file.seek(place)
            file.write(byte)
        assert before.changes(path) == (False, False)


def test_an_empty_file_is_one_too(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    assert ServedFile.now(path).changes(path) == (False, False)
