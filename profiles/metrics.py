"""METRICS: every number that is read from a process; one row gives it its name, unit, kind and source.

Its rule: a counter never goes down while its process lives, and counts the whole process: all threads, those that
ended, and children that were waited for. To add a metric, add a row.

Sources, and why not the obvious ones (method.md §3):
- CPU comes from the process's CPU clock (clock_getcpuclockid(3)): nanoseconds, ended threads included, where
  /proc/PID/stat counts ticks of 10 ms. The split into user and system is only known in ticks.
- Context switches are summed over /proc/PID/task/*/status: /proc/PID/status, and so psutil's num_ctx_switches(),
  counts the main thread alone.
"""

import ctypes
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import psutil

from profiles.records import MetricFacts

Values = dict[str, float | None]

_TICKS = os.sysconf("SC_CLK_TCK")  # a second has
PARENT, STARTED = 1, 19  # in read_stat()
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
    """Reads all METRICS of a process, or of several as one (profiles/tree.py)."""

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
        with self._process.oneshot():
            stat = read_stat(self.pid)
            if stat[STARTED] != self._began:
                raise ProcessLookupError(f"process {self.pid} has ended, and another one has its number")
            reading = Reading(self._process, self._switches(), stat, self._stopped(stat[0]))
            values = {metric.facts.name: metric.read(reading) for metric in METRICS}
        self.of_children = of_children(stat)
        return values

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

    def _switches(self) -> tuple[int, int]:
        """Voluntary and involuntary switches of the whole process.

        A thread that ends takes what it counted since the last reading with it: the kernel keeps that only for
        getrusage() inside the process.
        """
        live = {}
        for tid in os.listdir(f"/proc/{self.pid}/task"):  # noqa: PTH208  # names, not paths
            try:
                status = read_small(f"/proc/{self.pid}/task/{tid}/status")
            except (FileNotFoundError, ProcessLookupError):  # ended in between
                continue
            live[tid] = (
                _number(status, b"\nvoluntary_ctxt_switches:"),
                _number(status, b"nonvoluntary_ctxt_switches:"),
            )
        ended = [count for tid, count in self._live_switches.items() if tid not in live]
        self._ended_switches = _sum([self._ended_switches, *ended])
        self._live_switches = live
        return _sum([self._ended_switches, *live.values()])


@dataclass(frozen=True)
class Reading:
    """The sources of one reading; each is read at most once, some only if a metric asks for them.

    stat: as read_stat() has it.
    """

    process: psutil.Process
    switches: tuple[int, int]
    stat: list[bytes]
    stopped_s: float

    @cached_property
    def peak_rss_bytes(self) -> int:
        return _number(read_small(f"/proc/{self.process.pid}/status"), b"VmHWM:") << 10  # in KiB, proc_pid_status(5)

    @cached_property
    def disk_read_bytes(self) -> int | None:
        """What it made the disk deliver, read-ahead included; None where the kernel does not count it, or tell us."""
        try:
            return _number(read_small(f"/proc/{self.process.pid}/io"), b"\nread_bytes:")
        except (FileNotFoundError, PermissionError):
            return None

    @cached_property
    def times(self) -> Any:
        """psutil's pcputimes: user, system, children_user, children_system; children that were waited for."""
        return self.process.cpu_times()

    @property
    def cpu_s(self) -> float:
        return cpu_s(self.process.pid) + float(self.times.children_user + self.times.children_system)

    def faults(self, field: int) -> int:
        """Page faults: stat's field number `field`, and the next one, which counts waited-for children."""
        return int(self.stat[field - 3]) + int(self.stat[field - 2])


@dataclass(frozen=True, slots=True)
class Metric:
    facts: MetricFacts
    read: Callable[[Reading], float | None]


def _counter(name: str, unit: str, summary: str, read: Callable[[Reading], float | None]) -> Metric:
    return Metric(MetricFacts(name, unit, "counter", summary, per_gib=True), read)


def _gauge(name: str, unit: str, summary: str, read: Callable[[Reading], float | None]) -> Metric:
    return Metric(MetricFacts(name, unit, "gauge", summary), read)


METRICS: tuple[Metric, ...] = (
    _counter("cpu_s", "s", "CPU time, user and system, by the process's CPU clock", lambda r: r.cpu_s),
    _counter("user_s", "s", "CPU time in user mode, in ticks", lambda r: r.times.user + r.times.children_user),
    _counter("system_s", "s", "CPU time in the kernel, in ticks", lambda r: r.times.system + r.times.children_system),
    _counter("voluntary_switches", "switches", "context switches: a thread waited", lambda r: r.switches[0]),
    _counter("involuntary_switches", "switches", "context switches: a thread was displaced", lambda r: r.switches[1]),
    _counter("minor_faults", "faults", "page faults served from memory", lambda r: r.faults(10)),
    _counter("major_faults", "faults", "page faults that read from disk", lambda r: r.faults(12)),
    _counter("disk_read_bytes", "bytes", "read from the disk, by proc_pid_io(5)", lambda r: r.disk_read_bytes),
    _gauge("rss_bytes", "bytes", "resident memory", lambda r: r.process.memory_info().rss),
    _gauge("peak_rss_bytes", "bytes", "highest resident memory so far", lambda r: r.peak_rss_bytes),
    _gauge("threads", "threads", "threads", lambda r: r.process.num_threads()),
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
