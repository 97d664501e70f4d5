"""What psutil reads too coarsely, in part or not at all: each reading with the reason why it is our own.

tests/profiles/metrics/test_own_readings.py shows psutil's figure beside each.
"""

import ctypes
import os
import time
from typing import NamedTuple

import psutil

_libc = ctypes.CDLL(None, use_errno=True)


def cpu_s(pid: int) -> float:
    """CPU seconds of a process, user and system, ended threads included, by its clock: clock_getcpuclockid(3).

    psutil's cpu_times() counts ticks of 10 ms; this counts nanoseconds. Raises ProcessLookupError.
    """
    clock = ctypes.c_int()
    failed = _libc.clock_getcpuclockid(pid, ctypes.byref(clock))
    if failed:
        raise ProcessLookupError(failed, os.strerror(failed))
    try:
        return time.clock_gettime_ns(clock.value) / 1e9
    except OSError as error:  # EINVAL: it ended in between
        raise ProcessLookupError(error.errno, error.strerror) from error


class Stat(NamedTuple):
    minor_faults: int
    minor_faults_of_children: int  # those that were waited for
    major_faults: int
    major_faults_of_children: int
    started_ticks: int


def read_stat(pid: int) -> Stat:
    """What psutil leaves out of /proc/PID/stat: page faults; and the start, for which psutil reads that file once more.

    Raises FileNotFoundError, ProcessLookupError.
    """
    fields = read_small(f"/proc/{pid}/stat").rpartition(b")")[2].split()  # from the third on: a name may hold spaces
    return Stat(*map(int, (*fields[7:11], fields[19])))


def peak_rss_bytes(pid: int) -> int:
    """By VmHWM in /proc/PID/status; psutil has no peak on Linux. Raises psutil.ZombieProcess, FileNotFoundError."""
    try:
        return number_after(b"VmHWM:", read_small(f"/proc/{pid}/status")) << 10  # in KiB
    except ValueError as error:  # a zombie has no memory
        raise psutil.ZombieProcess(pid) from error


class Switches(NamedTuple):
    voluntary: int
    involuntary: int


class SwitchCounter:
    """Context switches of all threads of a process, by /proc/PID/task/TID/status.

    psutil's num_ctx_switches() reads /proc/PID/status, which counts the main thread alone. A thread that ends takes
    what it counted since the last reading with it: the kernel keeps that only for getrusage() inside the process.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._live: dict[str, Switches] = {}
        self._ended = Switches(0, 0)

    def read(self) -> Switches:
        """Raises FileNotFoundError when the process is gone."""
        live = self._of_threads()
        self._ended = _sum([self._ended, *(count for tid, count in self._live.items() if tid not in live)])
        self._live = live
        return _sum([self._ended, *live.values()])

    def _of_threads(self) -> dict[str, Switches]:
        found = {}
        for tid in os.listdir(f"/proc/{self._pid}/task"):  # noqa: PTH208  # names, not paths
            try:
                status = read_small(f"/proc/{self._pid}/task/{tid}/status")
            except (FileNotFoundError, ProcessLookupError):  # ended in between
                continue
            found[tid] = Switches(
                number_after(b"\nvoluntary_ctxt_switches:", status),
                number_after(b"nonvoluntary_ctxt_switches:", status),
            )
        return found


def read_small(path: str) -> bytes:
    """A small file of /proc, in one read; it is read many times a second, so nothing is spent on a file object."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 16384)
    finally:
        os.close(fd)


def number_after(label: bytes, text: bytes) -> int:
    """Raises ValueError when the label is missing."""
    start = text.index(label) + len(label)
    return int(text[start : start + 40].split(None, 1)[0])


def _sum(counts: list[Switches]) -> Switches:
    return Switches(sum(count.voluntary for count in counts), sum(count.involuntary for count in counts))
