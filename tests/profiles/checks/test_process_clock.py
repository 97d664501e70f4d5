"""The busy process of the check: it is busy where it should be, leaves nothing behind, and what fails is said."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from errors import UsageError
from profiles.checks import process_clock
from profiles.checks.process_clock import check
from profiles.store.clock_check import ClockCheck
from tests.commands import run_here
from tests.conftest import PROJECT, eventually

CPU = max(os.sched_getaffinity(0))


def test_a_busy_process_uses_or_waits_for_all_of_its_cpu() -> None:
    found = check((CPU,), 0.3)
    (spell,) = found.spells
    assert (spell.cpu, found.reason) == (CPU, None)
    assert 0.3 <= spell.wall_s < 10
    assert spell.cpu_s + spell.waited_s + spell.steal_s > spell.wall_s / 2  # a wait that goes on is not yet counted
    assert not psutil.Process().children()


def test_without_a_choice_the_allowed_cpus_are_kept_busy() -> None:
    assert {spell.cpu for spell in check((), 0.05).spells} <= os.sched_getaffinity(0)


def test_a_machine_that_cannot_tell_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "no busy process on CPU 4096: Invalid argument" in check((4096,), 0.05).text
    monkeypatch.setattr(process_clock, "read_small", lambda _: b"0 0 0\n")
    assert "does not count the waiting in /proc/PID/schedstat" in check((CPU,), 0.05).text
    monkeypatch.setattr(process_clock, "read_small", lambda _: (tmp_path / "none").read_bytes())
    assert "this kernel has no /proc/PID/schedstat" in check((CPU,), 0.05).text
    monkeypatch.setattr(process_clock, "RUNS_WITHIN_S", 0.0)
    assert "other processes kept the CPU from the busy one" in check((CPU,), 0.05).text
    assert not psutil.Process().children()


@pytest.mark.parametrize("seconds", [0.0, -1.0, 10.1, float("nan"), float("inf")])
def test_no_time_and_too_much_time_are_refused(seconds: float) -> None:
    with pytest.raises(UsageError, match=r"up to 10 s, not for"):
        check((CPU,), seconds)


def test_the_busy_process_ends_with_whoever_started_it() -> None:
    code = f"from profiles.checks.process_clock import check; check(({CPU},), 10.0)"
    with subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT) as starter:
        watched = psutil.Process(starter.pid)
        eventually(lambda: bool(watched.children()))
        (busy,) = watched.children()
        eventually(lambda: busy.cpu_times().user > 0.1)  # it knows its parent by now
        starter.send_signal(signal.SIGKILL)
    eventually(lambda: not busy.is_running() or busy.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize(("line", "says"), [("=y", True), (" is not set", False)])
def test_what_the_kernel_says_of_itself_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str, says: bool
) -> None:
    config = tmp_path / "config"
    config.write_text(f"CONFIG_PARAVIRT=y\nCONFIG_PARAVIRT_TIME_ACCOUNTING{line}\n")
    monkeypatch.setattr(process_clock, "CONFIGURATIONS", ((str(tmp_path / "none"), open), (str(config), open)))
    assert process_clock.kernel_option() is says
    config.unlink()
    assert process_clock.kernel_option() is None


def test_crosscheck_prints_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from scripts import crosscheck

    monkeypatch.setattr(crosscheck, "choose", lambda _: [])
    monkeypatch.setattr(process_clock, "check", lambda cpus, seconds: ClockCheck(reason=f"{cpus} {seconds:g}"))
    done = run_here(crosscheck.main)
    assert done.returncode == 0
    assert ": () 5.\n" in done.stdout and "\nIt cannot be told whether process CPU time" in done.stdout
