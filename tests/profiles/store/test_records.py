"""A run's folder keeps what it was given, loses at most a line to a kill, and says what is wrong with it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from errors import UserError
from profiles.store.files import is_locked
from profiles.store.records import Cell, Profile, Run, Sample
from profiles.store.run_facts import FileFacts, MetricFacts, TargetFacts
from profiles.store.run_folder import DIED, RunFolder
from servers.mode import Copy
from tests.conftest import PROJECT

CELL = Cell(
    round=2,
    position=1,
    mode="sendfile",
    started_s=1.5,
    wall_s=2.0,
    received_bytes=1 << 31,
    downloads=8,
    failures=1,
    failure_names={"the connection ended before the body did": 1},
    latency_histogram="HIST",
    metrics={"server_user_s": 0.1, "steal_s": None},
)
RUN = Run(
    name="run",
    state="running",
    started_at="2026-01-01T00:00:00+00:00",
    command="make load",
    question="saturated",
    seed=1,
    order=(("read-send", "sendfile"), ("sendfile", "read-send")),
    baseline="read-send",
    users=4,
    sink="discard",
    warm_up_s=0.5,
    window_s=2.0,
    sample_interval_s=0.5,
    file=FileFacts("test-file.bin", 5, "00", "ext4", 1.0, None),
    targets=(
        TargetFacts("sendfile", 8082, "", (Copy("disk", "page cache", "dma"),), {}),
        TargetFacts("read-send", 8081, "", (), {"chunk": 65536}),
    ),
    metrics=(MetricFacts("server_user_s", "s", "derived", "", True),),
    host={"cpu_model": "x", "governor": None, "cpus": 2},
    software={"python": "3.11"},
)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run")
    made.create()
    return made


def test_what_is_written_is_read(folder: RunFolder) -> None:
    profile = Profile(CELL, "sendfile.svg", None, "a reason")
    sample = Sample(0.5, "load", 17, {"cpu_s": 1.25, "rss_bytes": None})
    folder.write_run(RUN)
    folder.append(CELL)
    folder.append(replace(CELL, round=3))
    folder.append(profile)
    folder.append(sample, sample)
    assert folder.read_run() == RUN
    assert folder.read_cells() == (CELL, replace(CELL, round=3))
    assert folder.read(Profile) == (profile,)
    assert folder.read(Sample) == (sample, sample)
    assert folder.read_run().modes == tuple(target.name for target in RUN.targets)


def test_a_cell_is_one_flat_line_with_the_names_that_are_promised(folder: RunFolder) -> None:
    folder.append(CELL)
    text = (folder.path / "rounds.jsonl").read_text()
    assert text.count("\n") == 1
    assert '"mode":"sendfile"' in text and '"server_user_s":0.1' in text and '"steal_s":null' in text
    assert '"metrics"' not in text


def test_a_line_cut_by_a_kill_is_left_out(folder: RunFolder) -> None:
    folder.append(CELL)
    with (folder.path / "rounds.jsonl").open("a") as file:
        file.write('{"round":9,"posi')
    assert folder.read_cells() == (CELL,)


WRITE_AND_WAIT = """
import msgspec, sys
from pathlib import Path
from profiles.store.records import Run
from profiles.store.run_folder import RunFolder
RunFolder(Path(sys.argv[1])).write_run(msgspec.json.decode(sys.stdin.readline(), type=Run))
print("written", flush=True)
sys.stdin.read()
"""


def test_a_run_whose_process_was_killed_is_interrupted(folder: RunFolder) -> None:
    command = [sys.executable, "-c", WRITE_AND_WAIT, str(folder.path)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdin and writer.stdout
        writer.stdin.write(msgspec.json.encode(RUN) + b"\n")
        writer.stdin.flush()
        assert writer.stdout.readline() == b"written\n"
        assert folder.read_run() == RUN
        copied = RunFolder(shutil.copytree(folder.path, folder.path.with_name("copy")))
        assert copied.read_run().state == "interrupted", "nobody writes to a copy"
        writer.kill()
    found = folder.read_run()
    assert found == replace(RUN, state="interrupted", reason=DIED)


def test_a_run_that_ended_keeps_its_state(folder: RunFolder) -> None:
    folder.write_run(RUN)
    assert folder.read_run().state == "running"
    for state in ("done", "failed"):
        folder.write_run(replace(RUN, state=state))
        assert folder.read_run().state == state
    assert not is_locked(folder.path)


def test_a_run_is_never_mixed_with_another(folder: RunFolder) -> None:
    with pytest.raises(UserError, match=r"exists already.*RUN=name"):
        folder.create()


def test_records_of_another_kind_are_refused_by_file_and_line(folder: RunFolder) -> None:
    folder.append(CELL)
    with (folder.path / "rounds.jsonl").open("a") as file:
        file.write('{"round":"nine"}\n')
    with pytest.raises(UserError, match=r"rounds\.jsonl, line 2"):
        folder.read_cells()
    (folder.path / "run.json").write_text("{}")
    with pytest.raises(UserError, match=r"run\.json"):
        folder.read_run()
    (folder.path / "run.json").write_text("no json")
    with pytest.raises(UserError, match=r"run\.json"):
        folder.read_run()


def test_a_folder_that_is_no_run_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        RunFolder(tmp_path / "none").read_run()


def test_a_full_disk_leaves_whole_lines_only(tmp_path: Path) -> None:
    """RLIMIT_FSIZE stands in for the full disk: write() takes a part, then fails."""
    script = """
import resource, signal, sys
from pathlib import Path
from errors import UserError
from profiles.store.run_folder import RunFolder
from tests.profiles.store.test_records import CELL
folder = RunFolder(Path(sys.argv[1]))
folder.create()
folder.append(CELL)
size = (folder.path / "rounds.jsonl").stat().st_size
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (size + size // 2, resource.RLIM_INFINITY))
try:
    folder.append(CELL)
except UserError as error:
    print(error)
"""
    command = [sys.executable, "-c", script, str(tmp_path / "run")]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert "cannot write" in done.stdout and "free some space" in done.stdout
    assert RunFolder(tmp_path / "run").read_cells() == (CELL,)


def in_the_way_of_a_run(parent: Path) -> None:
    parent.write_bytes(b"")


def in_the_way_of_the_rounds(parent: Path) -> None:
    (parent / "run" / "rounds.jsonl").mkdir(parents=True)


def a_full_disk(parent: Path) -> None:
    (parent / "run").mkdir(parents=True)
    (parent / "run" / "rounds.jsonl").symlink_to("/dev/full")


@pytest.mark.parametrize(
    ("arrange", "advice"),
    [
        (in_the_way_of_a_run, "Not a directory; a file is in the way: remove it, or choose another place$"),
        (in_the_way_of_the_rounds, "Is a directory; a folder is in the way: .*; complete rounds are kept$"),
        (a_full_disk, "No space left on device; free some space there, .*; complete rounds are kept$"),
    ],
)
def test_the_advice_fits_the_reason(tmp_path: Path, arrange: Callable[[Path], None], advice: str) -> None:
    arrange(tmp_path / "runs")
    folder = RunFolder(tmp_path / "runs" / "run")
    with pytest.raises(UserError, match=advice):
        if not folder.path.is_dir():
            folder.create()
        folder.append(CELL)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_one_clear_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="Permission denied; change its permissions"):
        RunFolder(tmp_path / "run").create()
