"""Other accounts of a process's CPU time, to hold ours against: ticks, perf, control groups, getrusage, ksoftirqd.

Its rule: each comes from a source of its own, is opened while the process is idle and read when it is idle again, and
where it cannot be had says why.
"""

import contextlib
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from errors import UserError
from profiles.metrics import machine
from profiles.metrics.process import cpu_s
from profiles.profilers.perf import REMEDY, ControlledPerf

ReadSince = Callable[[], float]  # CPU seconds since the account was opened
PERF_TIMEOUT_S = 10.0
_CGROUPS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup/cpuacct"))


@contextlib.contextmanager
def ticks(pid: int) -> Iterator[ReadSince]:
    """/proc/PID/stat: 10 ms at each end (proc_pid_stat(5))."""
    process = psutil.Process(pid)
    before = process.cpu_times()

    def close() -> float:
        after = process.cpu_times()
        return (after.user + after.system) - (before.user + before.system)

    yield close


@contextlib.contextmanager
def perf_stat(pid: int) -> Iterator[ReadSince]:
    """perf-stat(1), event task-clock, later threads included. Raises UserError where it cannot count."""
    perf = ControlledPerf(["stat", "-x", ",", "-e", "task-clock", "-p", str(pid)], subprocess.PIPE)

    def said() -> str:
        return perf.process.communicate(timeout=PERF_TIMEOUT_S)[1].decode(errors="replace").strip()

    def close() -> float:
        perf.tell(b"disable")
        perf.process.send_signal(signal.SIGINT)
        told = said()
        counted = [line.split(",")[0] for line in told.splitlines() if ",task-clock," in line]
        if len(counted) != 1 or not counted[0].replace(".", "", 1).isdigit():
            raise UserError(f"perf counted nothing: {told}")
        return float(counted[0]) / 1e3

    try:
        if not perf.tell(b"enable"):
            raise UserError(f"perf does not count: {said().splitlines()[-1:]}; {REMEDY}")
        yield close
    finally:
        perf.close()


@contextlib.contextmanager
def control_group(pid: int) -> Iterator[ReadSince]:
    """A group of its own for the process (cgroups(7), v2 or v1's cpuacct). Raises UserError where none can be made."""
    parent = next((each for each in _CGROUPS if (each / "cgroup.procs").exists()), None)
    if parent is None:
        raise UserError("control groups do not count CPU time here: neither v2 nor cpuacct is mounted")
    group = parent / f"zero-copy-bench-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        raise UserError(f"no control group can be made below {parent}: {error.strerror}; root may") from error
    try:
        (group / "cgroup.procs").write_text(str(pid))
        before_s = _usage_s(group)
        yield lambda: _usage_s(group) - before_s
    finally:
        for left in (group / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                (parent / "cgroup.procs").write_text(left)
        group.rmdir()


def _usage_s(group: Path) -> float:
    """usage_usec of v2's cpu.stat, or the nanoseconds of v1's cpuacct.usage."""
    if (group / "cpuacct.usage").exists():
        return int((group / "cpuacct.usage").read_text()) / 1e9
    words = (group / "cpu.stat").read_text().split()
    return int(words[words.index("usage_usec") + 1]) / 1e6


@contextlib.contextmanager
def ksoftirqd(pid: int) -> Iterator[ReadSince]:
    """The kernel's threads for network work on the CPUs that the process may use; what they do is billed to no process.

    Raises UserError where they cannot be seen, as in a container.
    """
    names = {f"ksoftirqd/{cpu}" for cpu in os.sched_getaffinity(pid)}
    if not names <= machine.kernel_threads().keys():
        raise UserError("the kernel's threads cannot be seen from here: run it outside of the container")
    threads = [machine.kernel_threads()[name] for name in names]
    before_s = sum(map(cpu_s, threads))
    yield lambda: sum(map(cpu_s, threads)) - before_s


@contextlib.contextmanager
def rusage_of_children() -> Iterator[ReadSince]:
    """getrusage(2) of the children that were waited for: exact, once the process has ended, over its whole life."""

    def spent_s() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before_s = spent_s()
    yield lambda: spent_s() - before_s
