"""The whole process tree of an external server as one: nginx's master and workers, gunicorn's, whatever they start.

Its rule: as for one process (profiles/metrics/process.py) a counter never goes down, and what an ended process had
counted is not lost, as far as it can be known:

- CPU time and faults: the kernel adds them to whoever waits for the process, and so to the tree. Where nobody waits (a
  parent that ignores SIGCHLD), the last reading is kept: at most one interval's worth of each is lost. That is nearly
  all of one that serves a single connection (profiles/checks/prove_external.py finds such a server).
- context switches, time seen stopped: nobody inherits them, so the last reading is kept.
- memory is the sum of resident memory, which counts a page once for each process that has it: an upper bound. For PSS,
  which divides shared pages, the kernel would walk the page tables of the measured server twice a second. The peak is
  the sum of each process's own peak: an upper bound too.

Processes are found by /proc/PID/task/TID/children (one small read per thread): psutil's children(recursive=True) scans
/proc, which costs 16 ms. Once seen, a process stays in the tree until it ends, also when its parent ends before it.
"""

import os
import signal
from functools import cache
from pathlib import Path

import psutil

from profiles.metrics.own_readings import read_small, read_stat
from profiles.metrics.process import GONE, METRICS, ProcessReader, Values, of_children

_INHERITED = ("cpu_s", "user_s", "system_s", "minor_faults", "major_faults")
_KEPT = ("voluntary_switches", "involuntary_switches", "stopped_s")
_SUMMED = tuple(metric.facts.name for metric in METRICS)


class TreeReader:
    """Reads all METRICS of a process and everything below it, summed; keeps what ended ones had counted.

    reaper: the top is ours (profiles/targets/reaper.py) and no part of the server: only what it waited for counts.
    read() raises ProcessLookupError when nothing of the tree is left.
    """

    def __init__(self, pid: int, reaper: bool = False) -> None:
        self.pid = pid
        self._reaper = reaper
        self._readers: dict[int, ProcessReader] = {} if reaper else {pid: ProcessReader(pid)}
        self._last: dict[int, Values] = {}
        self._of_children: dict[int, dict[str, float]] = {}
        self._carried = dict.fromkeys((*_INHERITED, *_KEPT), 0.0)
        self._highest: Values = {}

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes of the last reading."""
        return tuple(self._last)

    def alive(self) -> list[int]:
        """Those of them that have not ended. May be called from any thread, also while another one reads."""
        return [pid for pid, reader in list(self._readers.items()) if reader.is_there()]

    def read(self) -> Values:
        self._find()
        found = {pid: self._reading(pid, reader) for pid, reader in list(self._readers.items())}
        readings = {pid: values for pid, values in found.items() if values is not None}
        if not readings:
            raise ProcessLookupError(f"nothing is left of the processes below {self.pid}")
        waited = {pid: reader.of_children for pid, reader in self._readers.items() if pid in readings}
        if self._reaper:
            waited[self.pid] = of_children(psutil.Process(self.pid), read_stat(self.pid))
        self._carry(readings, waited)
        self._last, self._of_children = readings, waited
        top = waited.get(self.pid, {}) if self._reaper else {}
        return self._never_less({name: _sum([values[name] for values in readings.values()]) for name in _SUMMED}, top)

    def _find(self) -> None:
        """Add what was started since the last reading: children, their children, and so on."""
        ahead = [self.pid, *self._readers]
        while ahead:
            for child in children(ahead.pop()):
                if child not in self._readers and child != self.pid:
                    try:
                        self._readers[child] = ProcessReader(child)
                    except GONE:
                        continue
                    ahead.append(child)

    def _reading(self, pid: int, reader: ProcessReader) -> Values | None:
        """Fresh values; the last ones of a zombie, which counts until somebody waits for it; None when it is gone."""
        try:
            return reader.read()
        except psutil.ZombieProcess:
            return self._last.get(pid)
        except GONE:
            del self._readers[pid]
            return None

    def _carry(self, readings: dict[int, Values], waited: dict[int, dict[str, float]]) -> None:
        """Keep what ended processes had counted, as far as nobody who waited for them has it now."""
        ended = [values for pid, values in self._last.items() if pid not in readings]
        for name in _KEPT if ended else ():
            self._carried[name] += _sum([values[name] for values in ended]) or 0.0
        for name in _INHERITED if ended else ():
            inherited = sum(now[name] - self._of_children.get(pid, {}).get(name, 0.0) for pid, now in waited.items())
            self._carried[name] += max(0.0, (_sum([values[name] for values in ended]) or 0.0) - inherited)

    def _never_less(self, summed: Values, top: dict[str, float]) -> Values:
        for name, value in summed.items():
            if value is not None:
                value += self._carried.get(name, 0.0) + top.get(name, 0.0)
                highest = self._highest.get(name)
                floored = name in self._carried or name in ("disk_read_bytes", "peak_rss_bytes")
                summed[name] = value if highest is None or not floored else max(value, highest)
        self._highest = summed
        return summed


def children(pid: int) -> list[int]:
    """The processes that a process started and nobody has waited for, zombies included; none when it is gone."""
    found: list[int] = []
    try:
        if not _kernel_lists_children():
            return [child.pid for child in psutil.Process(pid).children()]
        for tid in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208  # names, not paths
            found += map(int, read_small(f"/proc/{pid}/task/{tid}/children").split())
    except GONE:
        return found
    return found


def ignores_its_children(pid: int) -> bool:
    """Whether nobody inherits what its children had counted, as it ignores SIGCHLD (wait(2), proc_pid_status(5))."""
    try:
        lines = read_small(f"/proc/{pid}/status").splitlines()
    except GONE:
        return False
    ignored = next((line.partition(b":")[2] for line in lines if line.startswith(b"SigIgn:")), b"0")
    return bool(int(ignored, 16) >> (signal.SIGCHLD - 1) & 1)


@cache
def _kernel_lists_children() -> bool:
    """CONFIG_PROC_CHILDREN, proc_pid_task(5)."""
    return Path(f"/proc/self/task/{os.getpid()}/children").exists()


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
