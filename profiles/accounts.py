"""Other accounts of a process's CPU time, to hold ours against: ticks, perf, control groups, getrusage.

Its rule: each comes from a source of its own, is opened while the process is idle and read when it is idle again, and
where it cannot be had says why.
"""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from errors import UserError

Close = Callable[[], float]  # CPU seconds since the account was opened
PERF_TIMEOUT_S = 10.0
_CGROUPS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup/cpuacct"))


@contextlib.contextmanager
def ticks(pid: int) -> Iterator[Close]:
    """/proc/PID/stat: 10 ms at each end (proc_pid_stat(5))."""
    process = psutil.Process(pid)
    before = process.cpu_times()

    def close() -> float:
        after = process.cpu_times()
        return (after.user + after.system) - (before.user + before.system)

    yield close


@contextlib.contextmanager
def perf_stat(pid: int) -> Iterator[Close]:
    """perf-stat(1), event task-clock, later threads included. Raises UserError where it cannot count."""
    if shutil.which("perf") is None:
        raise UserError("perf is not installed (Debian: linux-perf)")
    (ctl_read, ctl_write), (ack_read, ack_write) = os.pipe(), os.pipe()
    command = ["perf", "stat", "-x", ",", "-e", "task-clock", "-D", "-1", "--control", f"fd:{ctl_read},{ack_write}"]
    command += ["-p", str(pid)]
    perf = subprocess.Popen(command, stderr=subprocess.PIPE, pass_fds=(ctl_read, ack_write), text=True)
    os.close(ctl_read)
    os.close(ack_write)

    def tell(order: bytes) -> None:
        os.write(ctl_write, order)
        if not os.read(ack_read, 16):
            raise UserError(
                f"perf does not count: {_last_line(perf)}; run as root, or set kernel.perf_event_paranoid=1"
            )

    def close() -> float:
        tell(b"disable\n")
        perf.send_signal(signal.SIGINT)
        said = perf.communicate(timeout=PERF_TIMEOUT_S)[1]
        counted = [line.split(",")[0] for line in said.splitlines() if ",task-clock," in line]
        if len(counted) != 1 or not counted[0].replace(".", "", 1).isdigit():
            raise UserError(f"perf counted nothing: {said.strip()}")
        return float(counted[0]) / 1e3

    try:
        tell(b"enable\n")
        yield close
    finally:
        if perf.poll() is None:
            perf.kill()
        perf.wait()
        os.close(ctl_write)
        os.close(ack_read)


def _last_line(perf: "subprocess.Popen[str]") -> str:
    lines = perf.communicate(timeout=PERF_TIMEOUT_S)[1].strip().splitlines()
    return lines[-1].strip() if lines else f"exit code {perf.returncode}"


@contextlib.contextmanager
def control_group(pid: int) -> Iterator[Close]:
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
def rusage_of_children() -> Iterator[Close]:
    """getrusage(2) of the children that were waited for: exact, once the process has ended, over its whole life."""

    def spent_s() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before_s = spent_s()
    yield lambda: spent_s() - before_s
