"""`make load` asked each of its questions, the whole way: at a pace and saturated, from the disk and from memory."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiles.host import page_cache
from profiles.store.records import Slice
from profiles.store.run_folder import RunFolder
from servers import payload
from tests.conftest import PROJECT
from tests.reports.tags import Tags
from units import MIB

TINY = ["--modes", "read-send", "sendfile", "--rounds", "1", "--retries", "0", "--any-port", "--run", "tiny"]
LOADED = ["--window", "0.3", "--warm-up", "0.1", "--users", "2", "--profile", "0"]
SMALL_BYTES = 4096  # so that a slow pace starts often enough


def run(script: str, root: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    folders = ["--root", str(root), "--runs-folder", str(out / "profiles"), "--reports-folder", str(out / "reports")]
    return subprocess.run(
        [sys.executable, "-m", f"scripts.{script}", *more, *folders],
        cwd=PROJECT, capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip


@pytest.fixture
def small(tmp_path: Path) -> Path:
    payload.make(tmp_path, SMALL_BYTES, lambda _: None)
    return tmp_path


@pytest.mark.slow
def test_saturated_and_paced_end_on_one_page_and_can_be_repeated(small: Path) -> None:
    """The pace is found, and stands in what repeats the run. One that is given: tests/scripts/test_load_workers.py."""
    done = run("load", small, small, *TINY, *LOADED, "--window", "1.5", "--pace", "both", "--seed", "7")
    assert done.returncode == 0, done.stderr
    folder = RunFolder(small / "profiles" / "tiny")
    saturated, paced = folder.read_run(), folder.paced.read_run()
    rate, slowest = paced.rate_bytes_per_s, min(paced.pilot_bytes_per_s.values())
    assert rate is not None and 0.6 * slowest < rate <= 0.65 * slowest
    assert (saturated.question, saturated.rate_bytes_per_s) == ("saturated", None)
    assert (paced.question, paced.name) == ("paced", "tiny/paced")
    assert saturated.pilot_bytes_per_s == paced.pilot_bytes_per_s and set(paced.pilot_bytes_per_s) == set(paced.modes)
    assert saturated.order == paced.order and saturated.state == paced.state == "done"
    assert done.stderr.count("proofs, ") == 1, "before everything else, for both"
    assert {cell.offered_bytes for cell in folder.read_cells()} == {None}
    for cell in folder.paced.read_cells():
        assert cell.offered_bytes is not None
        assert cell.offered_bytes == pytest.approx(rate * cell.wall_s, rel=0.05)
        assert 0 < cell.received_bytes <= cell.offered_bytes, "no faster than it was offered"
        assert cell.received_bytes == cell.downloads * SMALL_BYTES
    for one in folder.paced.read(Slice):
        assert one.cycles * 2 * SMALL_BYTES >= rate * 1.0 and one.wall_s > 0.9, "a paced slice lasts a second or more"
    found = f"{rate // MIB}MiB/s" if rate % MIB == 0 else f"{rate // 1024}KiB/s"
    text = Tags((small / "reports" / "tiny" / "index.html").read_text()).text
    assert "Verdict · saturated" in text and "Verdict · paced at " in text
    assert done.stdout.index("saturated, page cache warm") < done.stdout.index("/s, page cache warm")

    report = str(small / "reports" / "tiny" / "index.html")
    again = run("reproduce", small, small, report, "--show=1")
    assert again.returncode == 0 and again.stdout.splitlines()[-1] == saturated.command
    assert f"PACE='saturated {found}'" in saturated.command and "SEED=7" in saturated.command


@pytest.mark.slow
def test_a_rate_that_cannot_be_offered_is_refused_before_the_first_round(small: Path) -> None:
    done = run("load", small, small, *TINY, *LOADED, "--pace", "saturated 1000GiB/s")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: ") and "is more than" in done.stderr
    assert "round 1" not in done.stderr and not RunFolder(small / "profiles" / "tiny").read_cells()


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    payload.make(tmp_path, 0, lambda _: None)
    done = run("load", tmp_path, tmp_path, *TINY)
    assert (done.returncode, done.stderr.count("error: ")) == (1, 1)
    assert "is empty" in done.stderr and "give a SIZE like" in done.stderr and not (tmp_path / "profiles").exists()


@pytest.mark.slow
def test_a_cold_run_drops_the_file_looks_and_reads_it_from_the_disk(served: Path) -> None:
    kind = page_cache.filesystem_of(served / "test-file.bin")
    if kind.split(" ")[0] in page_cache.MEMORY_FILE_SYSTEMS:
        pytest.skip(f"{served} lies on {kind}, which cannot be made cold")
    done = run("load", served, served, *TINY, "--cache", "cold", "--window", "0.2")
    assert done.returncode == 0, done.stderr
    folder = RunFolder(served / "profiles" / "tiny")
    record, cells = folder.read_run(), folder.read_cells()
    size = record.file.size_bytes
    assert (record.cache, record.users, record.window_s, len(cells)) == ("cold", 1, 0.2, 2)
    assert "CACHE=cold" in record.command
    slices = folder.read(Slice)
    assert {(one.cycles, one.received_bytes, one.failures) for one in slices} == {(1, size, 0)}
    for cell in cells:
        assert (cell.downloads, cell.received_bytes, cell.failures) == (cell.slices, cell.slices * size, 0)
        assert cell.metrics["resident_share"] == 0.0, "looked for after it was dropped"
        read = cell.metrics["disk_read_bytes"]
        assert read is None or cell.slices * size <= read < 2 * cell.slices * size
    text = Tags((served / "reports" / "tiny" / "index.html").read_text()).text
    assert "page cache cold: each " in text and "Read from disk" in text


@pytest.mark.slow
def test_from_both_in_one_run_each_mode_reads_from_its_place(served: Path) -> None:
    kind = page_cache.filesystem_of(served / "test-file.bin")
    if kind.split(" ")[0] in page_cache.MEMORY_FILE_SYSTEMS:
        pytest.skip(f"{served} lies on {kind}, which cannot be made cold")
    done = run("load", served, served, *TINY, "--cache", "both", "--window", "0.2")
    assert done.returncode == 0, done.stderr
    folder = RunFolder(served / "profiles" / "tiny")
    cells = {cell.mode: cell for cell in folder.read_cells()}
    assert set(cells) == {"read-send", "sendfile", "read-send@cold", "sendfile@cold"}
    for mode, cell in cells.items():
        assert cell.metrics["resident_share"] == (0.0 if mode.endswith("@cold") else 1.0)
        read, size = cell.metrics["disk_read_bytes"], folder.read_run().file.size_bytes
        assert read is None or (read >= cell.slices * size if mode.endswith("@cold") else read < size)
    assert "sendfile beside read-send: from the page cache " in done.stdout
    assert "whether the disk drowns the copies: its time is " in done.stdout, "one round has no interval"
    assert "sendfile beside read-send" in (served / "reports" / "tiny" / "index.html").read_text()


@pytest.fixture
def in_memory() -> Iterator[Path]:
    shared = Path("/dev/shm")
    if not shared.is_dir() or page_cache.filesystem_of(shared / "x").split(" ")[0] != "tmpfs":
        pytest.skip("there is no tmpfs at /dev/shm")
    with tempfile.TemporaryDirectory(dir=shared) as name:
        payload.make(Path(name), SMALL_BYTES, lambda _: None)
        yield Path(name)


def test_a_file_in_memory_cannot_be_cold_and_the_reason_is_one_line(in_memory: Path, tmp_path: Path) -> None:
    done = run("load", in_memory, tmp_path, *TINY, "--cache", "cold")
    assert (done.returncode, done.stderr.count("error: ")) == (1, 1), done.stderr
    assert "cannot be made cold: tmpfs" in done.stderr and "Nothing was measured." in done.stderr
    assert not (tmp_path / "profiles").exists()
