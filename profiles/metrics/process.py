"""METRICS: every number that is read from a process; one row gives it its name, unit, kind and source.

Its rule: a counter never goes down while its process lives, and counts the whole process: all threads, those that
ended, and children that were waited for. To add a metric, add a row.

Sources, and why not the obvious ones (method.md §3):
- CPU comes from the process's CPU clock (clock_getcpuclockid(3)): nanoseconds, ended threads included, where
  /proc/PID/stat counts ticks of 10 ms. The split into user and system is only known in ticks.
- What one file says is read from it once: psutil's methods would read stat and status a second time, which was half of
  what a reading costs, and all that a reading costs is a core's time that the servers have not.
- Context switches are summed over /proc/PID/task/*/status: /proc/PID/status, and so psutil's num_ctx_switches(),
  counts the main thread alone.
"""

import ctypes
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import psutil

from profiles.store.run_facts import MetricFacts

Values = dict[str, float | None]

_TICKS = os.sysconf("SC_CLK_TCK")  # a second has
PARENT, MINOR_FAULTS, MAJOR_FAULTS, USER, SYSTEM, THREADS, STARTED = 1, 7, 9, 11, 12, 17, 19  # in read_stat()
_STOPPED = (b"T", b"t")  # by a signal, by a tracer

_libc = ctypes.CDLL(None, use_errno=True)


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used, user and system, ended threads included; nanosecond steps.

    Raises ProcessLookupError when there is no such process.
    """
    clock = ctypes.c_int()
    failed = _libc.clock_getcpuclockid(pid, ctypes.byref(clock))
    if failed:
        raise ProcessLookupError(failed, os.strerror(failed))
    try:
        return time.clock_gettime_ns(clock.value) / 1e9
    except OSError as error:  # EINVAL: it ended in between
        raise ProcessLookupError(error.errno, error.strerror) from error


class Reader(Protocol):
    """Reads all METRICS of a process, or of several as one (profiles/metrics/process_tree.py)."""

    pid: int

    def read(self) -> Values: ...


class ProcessReader:
    """Reads all METRICS of one process; keeps what its ended threads had counted, and how long it was seen stopped.

    Raises ProcessLookupError or psutil.NoSuchProcess when the process is gone.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._process = psutil.Process(pid)
        self._live_switches: dict[str, tuple[int, int]] = {}
        self._ended_switches = (0, 0)
        self._read_s = time.monotonic()
        self._stopped_s = 0.0
        self._began = read_stat(pid)[STARTED]
        self.of_children: dict[str, float] = {}

    def read(self) -> Values:
        """All metrics. What waited-for children had counted is in them, and alone in of_children."""
        stat = read_stat(self.pid)
        if stat[STARTED] != self._began:
            raise ProcessLookupError(f"process {self.pid} has ended, and another one has its number")
        statuses = self._statuses()
        switches = self._switches(statuses)
        self.of_children = of_children(stat)
        reading = Reading(
            self._process, stat, statuses.get(str(self.pid), b""), switches, self.of_children, self._stopped(stat[0])
        )
        return {metric.facts.name: metric.read(reading) for metric in METRICS}

    def is_there(self) -> bool:
        """Whether the process has not ended."""
        try:
            return read_stat(self.pid)[STARTED] == self._began
        except (FileNotFoundError, ProcessLookupError):
            return False

    def _stopped(self, state: bytes) -> float:
        """For how long it has been seen stopped: found so by a reading, it counts as stopped since the one before.

        The kernel does not count this. What happens between two readings goes unseen.
        """
        now_s = time.monotonic()
        if state in _STOPPED:
            self._stopped_s += now_s - self._read_s
        self._read_s = now_s
        return self._stopped_s

    def _statuses(self) -> dict[str, bytes]:
        """Each thread's status, proc_pid_status(5); the first thread's is the process's."""
        statuses = {}
        for tid in os.listdir(f"/proc/{self.pid}/task"):  # noqa: PTH208  # names, not paths
            try:
                statuses[tid] = read_small(f"/proc/{self.pid}/task/{tid}/status")
            except (FileNotFoundError, ProcessLookupError):  # ended in between
                continue
        return statuses

    def _switches(self, statuses: dict[str, bytes]) -> tuple[int, int]:
        """Voluntary and involuntary switches of the whole process.

        A thread that ends takes what it counted since the last reading with it: the kernel keeps that only for
        getrusage() inside the process.
        """
        live = {
            tid: (_number(status, b"\nvoluntary_ctxt_switches:"), _number(status, b"nonvoluntary_ctxt_switches:"))
            for tid, status in statuses.items()
        }
        ended = [count for tid, count in self._live_switches.items() if tid not in live]
        self._ended_switches = _sum([self._ended_switches, *ended])
        self._live_switches = live
        return _sum([self._ended_switches, *live.values()])


@dataclass(frozen=True, slots=True)
class Reading:
    """The sources of one reading. stat: as read_stat() has it; status: of the first thread."""

    process: psutil.Process
    stat: list[bytes]
    status: bytes
    switches: tuple[int, int]
    of_children: dict[str, float]
    stopped_s: float

    @property
    def peak_rss_bytes(self) -> int:
        return _number(self.status, b"VmHWM:") << 10  # in KiB

    @property
    def disk_read_bytes(self) -> int | None:
        """What it made the disk deliver, read-ahead included; None where the kernel does not count it, or tell us."""
        try:
            return _number(read_small(f"/proc/{self.process.pid}/io"), b"\nread_bytes:")
        except (FileNotFoundError, PermissionError):
            return None

    def cpu_s(self) -> float:
        return cpu_s(self.process.pid) + self.of_children["cpu_s"]

    def seconds(self, name: str, field: int) -> float:
        """What stat's field counts of the process, in ticks, and what waited-for children had counted."""
        return int(self.stat[field]) / _TICKS + self.of_children[name]

    def faults(self, name: str, field: int) -> float:
        return int(self.stat[field]) + self.of_children[name]


@dataclass(frozen=True, slots=True)
class Metric:
    facts: MetricFacts
    read: Callable[[Reading], float | None]


def _counter(name: str, unit: str, summary: str, read: Callable[[Reading], float | None]) -> Metric:
    return Metric(MetricFacts(name, unit, "counter", summary, per_gib=True), read)


def _gauge(name: str, unit: str, summary: str, read: Callable[[Reading], float | None]) -> Metric:
    return Metric(MetricFacts(name, unit, "gauge", summary), read)


METRICS: tuple[Metric, ...] = (
    _counter("cpu_s", "s", "CPU time, user and system, by the process's CPU clock", Reading.cpu_s),
    _counter("user_s", "s", "CPU time in user mode, in ticks", lambda r: r.seconds("user_s", USER)),
    _counter("system_s", "s", "CPU time in the kernel, in ticks", lambda r: r.seconds("system_s", SYSTEM)),
    _counter("voluntary_switches", "switches", "context switches: a thread waited", lambda r: r.switches[0]),
    _counter("involuntary_switches", "switches", "context switches: a thread was displaced", lambda r: r.switches[1]),
    _counter(
        "minor_faults", "faults", "page faults served from memory", lambda r: r.faults("minor_faults", MINOR_FAULTS)
    ),
    _counter(
        "major_faults", "faults", "page faults that read from disk", lambda r: r.faults("major_faults", MAJOR_FAULTS)
    ),
    _counter("disk_read_bytes", "bytes", "read from the disk, by proc_pid_io(5)", lambda r: r.disk_read_bytes),
    _gauge("rss_bytes", "bytes", "resident memory", lambda r: r.process.memory_info().rss),
    _gauge("peak_rss_bytes", "bytes", "highest resident memory so far", lambda r: r.peak_rss_bytes),
    _gauge("threads", "threads", "threads", lambda r: int(r.stat[THREADS])),
    Metric(MetricFacts("stopped_s", "s", "counter", "seen stopped by a signal or a debugger"), lambda r: r.stopped_s),
)


def read_stat(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat from the third on, proc_pid_stat(5); the second may contain spaces."""
    return read_small(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def of_children(stat: list[bytes]) -> dict[str, float]:
    """The part of the metrics that waited-for children had counted, where the kernel keeps it apart."""
    minor, major, user_s, system_s = int(stat[8]), int(stat[10]), int(stat[13]) / _TICKS, int(stat[14]) / _TICKS
    return {"cpu_s": user_s + system_s, "user_s": user_s, "system_s": system_s} | {
        "minor_faults": minor,
        "major_faults": major,
    }


def read_small(path: str) -> bytes:
    """A small file of /proc, in one read; it is read many times a second, so nothing is spent on a file object."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 16384)
    finally:
        os.close(fd)


def _number(text: bytes, label: bytes) -> int:
    """The first number after a label. Raises ValueError when the label is missing: a kernel thread, or a zombie."""
    start = text.index(label) + len(label)
    return int(text[start : start + 40].split(None, 1)[0])


def _sum(pairs: list[tuple[int, int]]) -> tuple[int, int]:
    return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
