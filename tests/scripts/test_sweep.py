"""`make sweep` as a user meets it: the whole way, cut short and gone on with, and asked for what cannot be."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from profiles.store.proof import Proof
from profiles.store.run_folder import RUN_FILE
from profiles.store.sweep_folder import SweepFolder
from tests.conftest import PROJECT, eventually
from tests.scripts.campaigns import Answers, answers, folders

TINY = ["--rounds", "2", "--window", "0.2", "--warm-up", "0", "--users", "2", "--any-port", "--run", "tiny"]
POINTS = ["--points", "64KiB", "4KiB", "1024GiB"]  # the last is more than any disk here has room for


def command(folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "scripts.sweep", *folders(folder), *more]


def run(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command_line = command(folder, *more)
    return subprocess.run(command_line, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=110)


def sweep_of(folder: Path) -> SweepFolder:
    return SweepFolder(folder / "profiles" / "tiny")


def rounds(folder: Path) -> dict[int, int]:
    found = {value: sweep_of(folder).point(value) for value in (4096, 65536)}
    return {value: len(point.read_run().order) for value, point in found.items() if (point.path / RUN_FILE).exists()}


@pytest.mark.slow
def test_a_tiny_sweep_is_cut_short_goes_on_and_is_reported(tmp_path: Path) -> None:
    process = subprocess.Popen(
        command(tmp_path, *TINY, *POINTS, "--seed", "7"), cwd=PROJECT, stderr=subprocess.PIPE, text=True
    )
    try:
        eventually(lambda: 4096 in rounds(tmp_path) and bool(sweep_of(tmp_path).point(4096).read_cells()))
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=50)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "interrupted." in said and "`make sweep RUN=tiny` continues" in said
    assert sweep_of(tmp_path).read().state == "interrupted"
    kept = sweep_of(tmp_path).point(4096).read_cells()

    done = run(tmp_path, "--run", "tiny", "--any-port")
    assert done.returncode == 0, done.stderr
    assert "left out: 1024 GiB: only " in said and "left out: 1024 GiB: only " in done.stdout
    sweep = sweep_of(tmp_path).read()
    assert (sweep.state, sweep.points, sweep.seed, len(sweep.sittings)) == ("done", (4096, 65536), 7, 2)
    for value in sweep.points:
        point = sweep_of(tmp_path).point(value)
        record, cells = point.read_run(), point.read_cells()
        assert (record.state, record.file.size_bytes, record.modes) == ("done", value, ("read-send", "sendfile"))
        assert record.host["cpu_model"] == sweep.host["cpu_model"]
        assert [cell.mode for cell in cells if cell.round == len(record.order)] == list(record.order[-1])
        assert all(cell.received_bytes > 0 and not cell.failures for cell in cells)
        assert {proof.mode for proof in point.read(Proof)} == {"read-send", "sendfile"}
    assert sweep_of(tmp_path).point(4096).read_cells()[: len(kept)] == kept
    assert {path.name for path in tmp_path.iterdir()} == {"4KiB", "64KiB", "profiles", "reports"}
    assert "cannot be told yet" in done.stdout and "no interval yet" in done.stdout
    page = tmp_path / "reports" / "tiny" / "index.html"
    assert str(page) in done.stdout and "cannot be told yet" in page.read_text()

    for knobs, says in ((["--window", "0.3"], "another WINDOW, 0.2"), (["--points", "4KiB", "1KiB"], "another POINTS")):
        other = run(tmp_path, "--run", "tiny", "--any-port", *knobs)
        assert (other.returncode, other.stderr.count("\n")) == (2, 1)
        assert says in other.stderr


CONTINUED = """
import os
from errors import UsageError
from profiles.targets import catalog
from scripts import sweep
arguments = sweep._arguments()
begun = sweep._new("begun", arguments)
print(*begun.modes)
assert sweep._begun(begun, arguments) == begun
del os.environ[catalog.NAMED_VARIABLE]
try:
    sweep._begun(begun, arguments)
except UsageError as error:
    print(error)
"""


def test_one_that_is_gone_on_with_needs_the_command_of_its_server_again() -> None:
    given = ["--command", "caddy {port} {root}", "--points", "4KiB", "64KiB"]  # in a process of its own, for locust
    done = subprocess.run(
        [sys.executable, "-c", CONTINUED, *given], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60
    )
    modes, said = done.stdout.splitlines()
    assert modes == "read-send sendfile caddy"
    assert "measures caddy, which is named nowhere: give what it was begun with: make sweep" in said
    assert "COMMAND='caddy {port} {root}'" in said


REFUSED: dict[str, tuple[str, ...]] = {
    "AXIS='nope'": ("--axis", "nope"),
    "two points or more": ("--points", "4KiB"),
    "is not a size": ("--points", "many", "4KiB"),
    "POINTS=0: AXIS=size goes from 1 B": ("--points", "0", "4KiB"),
    "goes from 0 to 4,095": ("--axis", "buffer-offset", "--points", "0", "4096"),
    "leave MODES out": ("--axis", "buffer-offset", "--modes", "sendfile"),
    "needs one of read-send": ("--axis", "chunk", "--modes", "splice", "stdlib-sendfile"),
    "two or more": ("--modes", "sendfile"),
    "the modes are": ("--modes", "sendfile", "nope"),
    "MINUTES=0": ("--minutes", "0"),
    "WINDOW=nan": ("--window", "nan"),
    "RUN='../x'": ("--run", "../x"),
}


@pytest.fixture(scope="module")
def refusals() -> Answers:
    return answers("sweep", {says: command(Path("nowhere"), *more)[3:] for says, more in REFUSED.items()})


@pytest.mark.parametrize("says", REFUSED)
def test_wrong_usage_is_one_line_and_2(refusals: Answers, says: str) -> None:
    code, said = refusals[says]
    assert (code, said.count("\n")) == (2, 1), said
    assert says in said
    assert not (PROJECT / "nowhere").exists()
