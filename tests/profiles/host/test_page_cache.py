"""Cold means that the disk was read: looked for in the page cache, and counted by the kernel."""

import mmap
import os
from pathlib import Path

import psutil
import pytest

from errors import UserError
from profiles.host import page_cache
from profiles.metrics.process import ProcessReader
from tests.conftest import PROJECT

SIZE_BYTES = 4 << 20


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Just written, and so dirty. Skips where it lies in memory."""
    kind = page_cache.filesystem_of(tmp_path)
    if kind.split(" ")[0] in page_cache.MEMORY_FILE_SYSTEMS:
        pytest.skip(f"{tmp_path} lies on {kind}, which cannot be made cold")
    (tmp_path / "file").write_bytes(os.urandom(SIZE_BYTES))
    return tmp_path / "file"


def test_a_file_is_warm_once_written_cold_once_dropped_and_then_comes_from_the_disk(file: Path) -> None:
    assert page_cache.resident_share_of(file) == 1.0
    assert page_cache.drop(file) == 0.0
    reader = ProcessReader(os.getpid())
    before = reader.read()["disk_read_bytes"]
    content = file.read_bytes()
    after = reader.read()["disk_read_bytes"]
    assert page_cache.resident_share_of(file) == 1.0
    if before is None or after is None:
        pytest.skip("the kernel does not count what processes read (CONFIG_TASK_IO_ACCOUNTING)")
    assert len(content) <= after - before < 2 * len(content)


def test_what_is_absent_is_read_again(file: Path) -> None:
    page_cache.drop(file)
    with file.open("rb") as opened:
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        assert os.pread(opened.fileno(), 1, 0)
    assert 0 < (page_cache.resident_share_of(file) or 0) < 1
    assert page_cache.warm(file) == 1.0


def test_a_file_that_memory_cannot_hold_is_left_as_it_is(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page_cache.drop(file)
    memory = psutil.virtual_memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory._replace(total=SIZE_BYTES - 1))
    assert page_cache.warm(file) == 0.0


def test_both_ways_to_look_agree(file: Path) -> None:
    page_cache.drop(file)
    with file.open("r+b") as opened:
        assert opened.read(3 * 4096)
        by_cachestat = page_cache.by_cachestat(opened.fileno())
        if by_cachestat is None:
            pytest.skip("no cachestat(2) here, which came with Linux 6.5")
        assert 3 <= by_cachestat == page_cache._by_mincore(opened.fileno())


def test_pages_that_are_mapped_stay_and_are_seen_to_stay(file: Path) -> None:
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0) as area:
        assert area[0] is not None and area[SIZE_BYTES - 1] is not None
        assert (page_cache.drop(file) or 0) > 0


def test_a_file_in_memory_is_refused_with_the_reason() -> None:
    folder = Path("/dev/shm")
    if not folder.is_dir() or page_cache.filesystem_of(folder / "x").split(" ")[0] != "tmpfs":
        pytest.skip("there is no tmpfs at /dev/shm")
    path = folder / f"zero-copy-bench-{os.getpid()}"
    path.write_bytes(b"x")
    try:
        with pytest.raises(UserError, match=r"tmpfs .* keeps files in memory"):
            page_cache.drop(path)
    finally:
        path.unlink()


def test_what_cannot_be_looked_at_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert page_cache.resident_share_of(tmp_path / "empty") is None
    assert page_cache.resident_share_of(tmp_path / "absent") is None


def test_the_project_lies_on_a_file_system() -> None:
    assert page_cache.filesystem_of(PROJECT / "README.md") != "unknown"
