"""Other counters see the CPU time that the score is made of, or say why they see nothing."""

import os
import subprocess
from pathlib import Path

import pytest

from errors import UserError
from profiles.checks import cpu_accounting
from profiles.checks.crosscheck import NOT_BILLED, CpuReading, crosscheck
from profiles.targets.catalog import choose
from scripts.crosscheck import summary

SCHEDULER_COUNTERS = ("ticks of /proc/PID/stat", "control group", "getrusage, after its end")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "test-file.bin").write_bytes(b"x" * (4 << 20))
    return tmp_path


@pytest.mark.parametrize("mode", ["sendfile", "tls-send"])
def test_what_hangs_on_the_same_clock_agrees_with_it(root: Path, mode: str) -> None:
    """With some slack for what is no disagreement: a tick at each end. The other two miss nothing."""
    readings = {reading.name: reading for reading in crosscheck(choose([mode])[0], root, 0.5)}
    assert set(readings) == {*SCHEDULER_COUNTERS, "perf stat", NOT_BILLED}
    for name in SCHEDULER_COUNTERS:
        reading = readings[name]
        if reading.reason is None:
            assert reading.ours_s and reading.theirs_s
            ends_s = 0.03 if "ticks" in name else 0.003
            assert abs(reading.theirs_s - reading.ours_s) < 0.02 * reading.ours_s + ends_s, reading


def test_a_thread_that_a_counter_missed_would_show() -> None:
    assert CpuReading("some counter", 0.97, 1.0).agrees is False
    assert CpuReading("some counter", 0.99, 1.0).agrees is True
    assert CpuReading("some counter", 0.48, 0.5).agrees is None, "too little CPU time: a tick is 2 % of it"
    assert CpuReading("some counter", None, None, "not here").agrees is None
    assert CpuReading(NOT_BILLED, 0.1, 1.0).agrees is None


def test_a_difference_is_said_with_what_to_do_and_breaks_nothing() -> None:
    agreeing, differing, short = (CpuReading(name, *s) for name, *s in (("a", 2, 2), ("b", 2.2, 2), ("c", 0.2, 0.1)))
    assert summary([("sendfile", agreeing)]) == "Whatever could be judged agrees with the score's clock."
    said = summary([("sendfile", agreeing), ("read-send", differing), ("splice", short)])
    assert said.startswith("1 of 2 counts differ: b of read-send. ") and "WINDOW=20" in said
    assert summary([("splice", short)]).startswith("Nothing could be judged: give a WINDOW")


def test_without_perf_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="perf is not installed"), cpu_accounting.perf_stat(1):
        pass


def test_the_load_gives_back_the_cpus_that_it_left_to_the_server(root: Path) -> None:
    allowed = os.sched_getaffinity(0)
    crosscheck(choose(["sendfile"])[0], root, 0.2)
    assert os.sched_getaffinity(0) == allowed


def test_no_control_group_stays_behind() -> None:
    with subprocess.Popen(["sleep", "30"]) as process:
        try:
            with cpu_accounting.control_group(process.pid) as close:
                assert close() < 1
        except UserError as reason:
            pytest.skip(str(reason))
        finally:
            process.kill()
    assert not [*Path("/sys/fs/cgroup").glob(f"**/zero-copy-bench-{os.getpid()}")]


def test_a_server_that_does_not_deliver_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"sendfile did not deliver /test-file\.bin: status 404"):
        crosscheck(choose(["sendfile"])[0], tmp_path, 0.2)
