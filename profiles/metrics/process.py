"""METRICS: every number that is read from a process; one row gives it its name, unit, kind and source.

Its rule: a counter never goes down while its process lives, and counts the whole process: all threads, those that
ended, and children that were waited for. To add a metric, add a row.

psutil reads them, each file of /proc once (Process.oneshot()); what it cannot is in own_readings.py
(docs/method.md §3).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import psutil

from profiles.metrics.own_readings import Stat, SwitchCounter, Switches, cpu_s, peak_rss_bytes, read_stat
from profiles.store.run_facts import MetricFacts

Values = dict[str, float | None]

GONE = (psutil.NoSuchProcess, ProcessLookupError, FileNotFoundError)
_STOPPED = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
_COUNTS_IO = hasattr(psutil.Process, "io_counters")  # else the kernel does not


class Reader(Protocol):
    """Reads all METRICS of a process, or of several as one (profiles/metrics/process_tree.py)."""

    pid: int

    def read(self) -> Values: ...


class ProcessReader:
    """Reads all METRICS of one process; keeps what its ended threads had counted, and how long it was seen stopped.

    A process whose CPU clock stands still has done nothing (at most the kernel reclaimed some of its memory): then that
    clock is all that is read. While one mode is loaded all others are idle, and readings cost CPU time that it lacks.
    """

    def __init__(self, pid: int) -> None:
        """Raises one of GONE."""
        self.pid = pid
        self._process = psutil.Process(pid)
        self._started_ticks = read_stat(pid).started_ticks
        self._switches = SwitchCounter(pid)
        self._read_s = time.monotonic()
        self._is_stopped = False
        self._stopped_s = 0.0
        self._clock_s = -1.0
        self._last: Values = {}
        self.of_children: dict[str, float] = {}

    def read(self) -> Values:
        """All metrics. What waited-for children had counted is in them, and alone in of_children.

        Raises one of GONE when the process is gone; of these psutil.ZombieProcess while nobody has waited for it.
        """
        clock_s = cpu_s(self.pid)
        if clock_s != self._clock_s or self._is_stopped:
            self._last = self._read(clock_s)
            self._clock_s = clock_s
        self._read_s = time.monotonic()
        return dict(self._last)

    def is_there(self) -> bool:
        """Whether the process has not ended, or nobody has waited for it."""
        return self._process.is_running()

    def _read(self, clock_s: float) -> Values:
        stat = read_stat(self.pid)
        if stat.started_ticks != self._started_ticks:  # another process has its number
            raise psutil.NoSuchProcess(self.pid)
        with self._process.oneshot():
            self._is_stopped = self._process.status() in _STOPPED
            if self._is_stopped:  # since the reading before; the kernel does not count this
                self._stopped_s += time.monotonic() - self._read_s
            self.of_children = of_children(self._process, stat)
            reading = Reading(self._process, clock_s, self._switches.read(), stat, self.of_children, self._stopped_s)
            return {metric.facts.name: metric.read(reading) for metric in METRICS}


@dataclass(frozen=True, slots=True)
class Reading:
    """The sources of one reading; of_children has what waited-for children had counted."""

    process: psutil.Process
    clock_s: float
    switches: Switches
    stat: Stat
    of_children: dict[str, float]
    stopped_s: float

    @property
    def ticks(self) -> Any:
        """CPU seconds in steps of 10 ms."""
        return self.process.cpu_times()

    @property
    def disk_read_bytes(self) -> int | None:
        """Read-ahead included; None where the kernel does not count it, or does not tell us."""
        try:
            return self.process.io_counters().read_bytes if _COUNTS_IO else None
        except psutil.AccessDenied:
            return None


@dataclass(frozen=True, slots=True)
class Metric:
    facts: MetricFacts
    read: Callable[[Reading], float | None]


def _counter(name: str, unit: str, summary: str, read: Callable[[Reading], float | None]) -> Metric:
    return Metric(MetricFacts(name, unit, "counter", summary, per_gib=True), read)


def _inherited(name: str, unit: str, summary: str, read: Callable[[Reading], float]) -> Metric:
    """A counter that whoever waits for a process inherits."""
    return _counter(name, unit, summary, lambda r: read(r) + r.of_children[name])


def _gauge(name: str, unit: str, summary: str, read: Callable[[Reading], float | None]) -> Metric:
    return Metric(MetricFacts(name, unit, "gauge", summary), read)


METRICS: tuple[Metric, ...] = (
    _inherited("cpu_s", "s", "CPU time, user and system, by the process's CPU clock", lambda r: r.clock_s),
    _inherited("user_s", "s", "CPU time in user mode, in ticks", lambda r: r.ticks.user),
    _inherited("system_s", "s", "CPU time in the kernel, in ticks", lambda r: r.ticks.system),
    _counter("voluntary_switches", "switches", "context switches: a thread waited", lambda r: r.switches.voluntary),
    _counter(
        "involuntary_switches", "switches", "context switches: a thread was displaced", lambda r: r.switches.involuntary
    ),
    _inherited("minor_faults", "faults", "page faults served from memory", lambda r: r.stat.minor_faults),
    _inherited("major_faults", "faults", "page faults that read from disk", lambda r: r.stat.major_faults),
    _counter("disk_read_bytes", "bytes", "read from the disk, by proc_pid_io(5)", lambda r: r.disk_read_bytes),
    _gauge("rss_bytes", "bytes", "resident memory", lambda r: r.process.memory_info().rss),
    _gauge("peak_rss_bytes", "bytes", "highest resident memory so far", lambda r: peak_rss_bytes(r.process.pid)),
    _gauge("threads", "threads", "threads", lambda r: r.process.num_threads()),
    Metric(MetricFacts("stopped_s", "s", "counter", "seen stopped by a signal or a debugger"), lambda r: r.stopped_s),
)


def of_children(process: psutil.Process, stat: Stat) -> dict[str, float]:
    """The part of the metrics that waited-for children had counted, where the kernel keeps it apart."""
    ticks = process.cpu_times()
    return {
        "cpu_s": ticks.children_user + ticks.children_system,
        "user_s": ticks.children_user,
        "system_s": ticks.children_system,
        "minor_faults": stat.minor_faults_of_children,
        "major_faults": stat.major_faults_of_children,
    }
