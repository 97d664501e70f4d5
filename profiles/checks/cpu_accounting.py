"""Other counts of a process's CPU time, to compare ours with: ticks, perf, control groups, getrusage, ksoftirqd.

Each is opened while the process is idle and read when it is idle again. Where one cannot be had, it raises UserError.
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
from profiles.metrics.own_readings import cpu_s
from profiles.profilers.perf import REMEDY, ControlledPerf

ReadSince = Callable[[], float]  # CPU seconds since it was opened
PERF_TIMEOUT_S = 10.0
_CGROUPS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup/cpuacct"))


def _since_now(total_s: Callable[[], float]) -> ReadSince:
    before_s = total_s()
    return lambda: total_s() - before_s


@contextlib.contextmanager
def ticks(pid: int) -> Iterator[ReadSince]:
    """/proc/PID/stat, in steps of 10 ms (proc_pid_stat(5))."""
    process = psutil.Process(pid)
    yield _since_now(lambda: sum(process.cpu_times()[:2]))  # user and system


@contextlib.contextmanager
def perf_stat(pid: int) -> Iterator[ReadSince]:
    """perf-stat(1), event task-clock; threads that start later are counted too."""
    perf = ControlledPerf(["stat", "-x", ",", "-e", "task-clock", "-p", str(pid)], subprocess.PIPE)

    def printed() -> str:
        return perf.process.communicate(timeout=PERF_TIMEOUT_S)[1].decode(errors="replace").strip()

    def read() -> float:
        perf.tell(b"disable")
        perf.process.send_signal(signal.SIGINT)
        text = printed()
        counted = [line.split(",")[0] for line in text.splitlines() if ",task-clock," in line]
        if len(counted) != 1 or not counted[0].replace(".", "", 1).isdigit():
            raise UserError(f"perf counted nothing: {text}")
        return float(counted[0]) / 1e3

    try:
        if not perf.tell(b"enable"):
            raise UserError(f"perf does not count: {printed().splitlines()[-1:]}; {REMEDY}")
        yield read
    finally:
        perf.close()


@contextlib.contextmanager
def control_group(pid: int) -> Iterator[ReadSince]:
    """A control group for this process alone (cgroups(7), v2 or v1's cpuacct)."""
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
        yield _since_now(lambda: _usage_s(group))
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
    """The kernel threads for network work on the CPUs that the process may use; their time is billed to no process."""
    names = {f"ksoftirqd/{cpu}" for cpu in os.sched_getaffinity(pid)}
    known = machine.kernel_threads()
    if not names <= known.keys():
        raise UserError("the kernel's threads cannot be seen from here: run it outside of the container")
    yield _since_now(lambda: sum(cpu_s(known[name]) for name in names))


def rusage_of_children() -> ReadSince:
    """getrusage(2) of the children that are waited for from now on: exact, over the whole life of each."""
    return _since_now(lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]))  # user and system
