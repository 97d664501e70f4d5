"""What disturbed a round, by covariates: steal, throttling, foreign CPU and the like (docs/method.md §6). Pure.

Its rule: a disturbance rule looks at how a cell ran and never at its result, so that dropping a round cannot favour a
result. What cannot be read is None, "unknown": it neither disturbs nor clears. One disturbed cell drops the whole
round. TCP retransmits do not drop: over loopback a fast server overruns the receiver's buffer by itself, so they
belong to the mode; above 1 % of the bytes they are a caution.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from profiles.store.records import Cell, Run
from reports.analysis.bottleneck import cores
from units import GIB, KIB

MOST_RESIDENT = 0.01  # of a file that is to be cold
MOST_BEHIND = 0.02  # of the bytes that were offered

Read = Callable[[Cell, Run], float | None]


@dataclass(frozen=True, slots=True)
class DisturbanceRule:
    """limit: the largest value of a calm cell. read: a cell's value, None where it is unknown. voids: a round that is
    over it and must be judged after all answers another question, so that its mode is void. cache, question: the rule
    is for such runs only."""

    name: str
    limit: float
    unit: str
    complaint: str
    read: Read
    drops: bool = True
    voids: bool = False
    cache: str | None = None
    question: str | None = None

    def applies(self, run: Run) -> bool:
        return self.cache in (None, run.cache) and self.question in (None, run.question)

    def over(self, cell: Cell, run: Run) -> bool:
        value = self.read(cell, run) if self.applies(run) else None
        return value is not None and value > self.limit

    def say(self, value: float | None) -> str:
        """The value with its unit; shares as percent."""
        if value is None:
            return "unknown"
        return f"{100 * value:.2g} %" if self.unit == "share" else f"{value:.3g} {self.unit}"


def steal_share(cell: Cell, run: Run) -> float | None:
    """Share of the CPU time of all the machine's cores; of the worse machine, where load and servers have one each."""
    servers = _stolen(cell, "steal_s", run.host)
    load = _stolen(cell, "load_steal_s", run.load_host) if run.load_host else servers
    return None if servers is None or load is None else max(servers, load)


def _stolen(cell: Cell, metric: str, host: Mapping[str, object]) -> float | None:
    steal_s, cpus = cell.metrics.get(metric), host.get("cpus")
    if steal_s is None or not isinstance(cpus, int | float) or cpus <= 0 or cell.wall_s <= 0:
        return None
    return steal_s / (cell.wall_s * cpus)


def sampler_cores(cell: Cell, _run: Run) -> float | None:
    """Cores that the agent's process kept busy: it samples."""
    sampler_s = cell.metrics.get("sampler_cpu_s")
    return None if sampler_s is None or cell.wall_s <= 0 else sampler_s / cell.wall_s


def foreign_cores(cell: Cell, run: Run) -> float | None:
    """Busy cores of the servers' machine beyond the server, the client if it is there, the agent, and the kernel.

    ksoftirqd does network work for a server that has more of it than fits between its own steps (mmap-send is one),
    and kblockd disk work for one that bypasses the page cache: it is the mode's own, and no reason to drop a round.
    Where those threads cannot be seen their time counts as foreign.
    """
    machine_s_per_gib = cell.metrics.get("machine_cpu_s_per_gib")
    parts = (cores(cell, "server"), 0.0 if run.load_host else cores(cell, "client"), sampler_cores(cell, run))
    if machine_s_per_gib is None or cell.wall_s <= 0 or any(part is None for part in parts):
        return None
    busy = machine_s_per_gib * cell.received_bytes / GIB / cell.wall_s
    kernel_s = sum(cell.metrics.get(name) or 0.0 for name in ("ksoftirqd_s", "kblockd_s"))
    return busy - kernel_s / cell.wall_s - sum(part for part in parts if part is not None)


def throttled(cell: Cell, run: Run) -> float | None:
    """Seconds, of both machines where there are two; 0 without a CPU limit."""
    servers = _throttled(cell, "throttled_s", run.host)
    load = _throttled(cell, "load_throttled_s", run.load_host) if run.load_host else 0.0
    return None if servers is None or load is None else servers + load


def _throttled(cell: Cell, metric: str, host: Mapping[str, object]) -> float | None:
    known = cell.metrics.get(metric)
    return 0.0 if known is None and str(host.get("cgroup_cpu_max")).startswith("max") else known


def swapped(cell: Cell, run: Run) -> float | None:
    known = [cell.metrics.get(name) for name in ("swapped_bytes", *(("load_swapped_bytes",) if run.load_host else ()))]
    return sum(value for value in known if value is not None) if None not in known else None


def absent_share(cell: Cell, run: Run) -> float | None:
    """Share of the file's pages that were not in the page cache, at the worse edge of a warm cell.

    0 for a path that bypasses the cache: what it does not use may leave, and is read again before the next cell.
    """
    if _bypasses_the_cache(cell.mode, run):
        return 0.0
    resident = cell.metrics.get("resident_share")
    return None if resident is None else 1 - resident


def _bypasses_the_cache(mode: str, run: Run) -> bool:
    copies = next((target.copies for target in run.targets if target.name == mode), ())
    return bool(copies) and not any("page cache" in (copy.source, copy.destination) for copy in copies)


def behind_share(cell: Cell, _run: Run) -> float | None:
    """Share of the offered bytes that did not arrive in time."""
    return 1 - cell.received_bytes / cell.offered_bytes if cell.offered_bytes else None


def retransmitted_share(cell: Cell, _run: Run) -> float | None:
    """Share of the bytes, at most: the kernel counts segments, which are 64 KiB or less."""
    segments = cell.metrics.get("tcp_retransmits")
    return None if segments is None or cell.received_bytes <= 0 else segments * 64 * KIB / cell.received_bytes


def _metric(name: str) -> Read:
    return lambda cell, _: cell.metrics.get(name)


_Rule = DisturbanceRule
# fmt: off
RULES: tuple[DisturbanceRule, ...] = (
    _Rule("steal", 0.02, "share", "the hypervisor took more than 2 % of the CPU time", steal_share),
    _Rule("sampler CPU", 0.02, "cores", "the sampler used more than 2 % of a core", sampler_cores),
    _Rule("foreign CPU", 0.10, "cores", "other processes used more than 10 % of a core", foreign_cores),
    _Rule("cgroup throttling", 0, "s", "the cgroup's CPU limit throttled the processes", throttled),
    _Rule("swapping", 0, "bytes", "the machine swapped", swapped),
    _Rule("major faults", 0, "faults", "major page faults: the file came from disk, not from the page cache",
          _metric("major_faults"), cache="warm"),
    _Rule("stopped server", 0, "s", "the server was stopped for a while", _metric("stopped_s")),
    _Rule("absent pages", 0, "share", "part of the file was not in the page cache", absent_share, cache="warm"),
    _Rule("resident pages", MOST_RESIDENT, "share", "part of the file was in the page cache before a cold cell",
          _metric("resident_share"), voids=True, cache="cold"),
    _Rule("fell behind", MOST_BEHIND, "share", "less than 98 % of the offered bytes arrived", behind_share,
          voids=True, question="paced"),
    _Rule("TCP retransmits", 0.01, "share", "more than 1 % of TCP data was retransmitted", retransmitted_share,
          drops=False),
)
# fmt: on


def disturbances(cells: Mapping[str, Cell], run: Run) -> tuple[str, ...]:
    """Why the round of these cells, by mode, is to be dropped; empty for a calm one."""
    return tuple(
        f"{rule.name} {rule.say(rule.read(cell, run))} ({mode})"
        for rule in RULES
        if rule.drops
        for mode, cell in cells.items()
        if rule.over(cell, run)
    )
