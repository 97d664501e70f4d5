"""What disturbed a round, by covariates: steal, throttling, foreign CPU and the like (method.md §6). Pure.

Its rule: a gate looks at how a cell ran and never at what came out, so that dropping a round on it cannot prefer a
result. What cannot be read is None, "unknown", and neither disturbs nor clears. One disturbed cell drops the whole
round. TCP retransmits do not drop: over loopback a fast server outruns the receiver's buffer by itself, so that they
belong to the mode; above 1 % of the bytes they are a caution.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from profiles.store.records import Cell, Run
from reports.analysis.bottleneck import cores
from units import GIB, KIB

MOST_RESIDENT = 0.01  # of a file that is to be cold
MOST_BEHIND = 0.02  # of the bytes that were offered


def _always(_run: Run) -> bool:
    return True


def _warm(run: Run) -> bool:
    return run.cache == "warm"


def _cold(run: Run) -> bool:
    return run.cache == "cold"


def _paced(run: Run) -> bool:
    return run.question == "paced"


@dataclass(frozen=True, slots=True)
class DisturbanceRule:
    """limit: the largest value that is still calm. read: a cell's value, None where it is unknown. voids: a
    mode that is over it where the round has to be judged after all answers another question. applies: to this run;
    where it does not, what is read stands for nothing."""

    name: str
    limit: float
    unit: str
    complaint: str
    read: Callable[[Cell, Run], float | None]
    drops: bool = True
    voids: bool = False
    applies: Callable[[Run], bool] = _always

    def over(self, cell: Cell, run: Run) -> bool:
        value = self.read(cell, run)
        return value is not None and value > self.limit

    def say(self, value: float | None) -> str:
        """The value with its unit; shares as percent."""
        if value is None:
            return "unknown"
        return f"{100 * value:.2g} %" if self.unit == "share" else f"{value:.3g} {self.unit}"


def steal_share(cell: Cell, run: Run) -> float | None:
    """Of the CPU time of all the machine's cores; of the worse machine, where load and servers have one each."""
    servers = _stolen(cell, "steal_s", run.host)
    load = _stolen(cell, "load_steal_s", run.load_host) if run.load_host else servers
    return None if servers is None or load is None else max(servers, load)


def _stolen(cell: Cell, metric: str, host: Mapping[str, object]) -> float | None:
    steal_s, cpus = cell.metrics.get(metric), host.get("cpus")
    if steal_s is None or not isinstance(cpus, int | float) or cpus <= 0 or cell.wall_s <= 0:
        return None
    return steal_s / (cell.wall_s * cpus)


def sampler_cores(cell: Cell, _run: Run) -> float | None:
    """Of the agent's process, which samples."""
    sampler_s = cell.metrics.get("sampler_cpu_s")
    return None if sampler_s is None or cell.wall_s <= 0 else sampler_s / cell.wall_s


def foreign_cores(cell: Cell, run: Run) -> float | None:
    """What the servers' machine was busy with beside the server, the client if it is there, the agent, and the kernel.

    ksoftirqd does the network work of a server that has more of it than fits between its own steps, mmap-send among
    them, and kblockd the disk work of one that passes the page cache by: it is the mode's own, and no reason to drop a
    round. Where they cannot be seen it counts as foreign.
    """
    machine_s_per_gib = cell.metrics.get("machine_cpu_s_per_gib")
    parts = (cores(cell, "server"), 0.0 if run.load_host else cores(cell, "client"), sampler_cores(cell, run))
    if machine_s_per_gib is None or cell.wall_s <= 0 or any(part is None for part in parts):
        return None
    busy = machine_s_per_gib * cell.received_bytes / GIB / cell.wall_s
    beside_s = sum(cell.metrics.get(name) or 0.0 for name in ("ksoftirqd_s", "kblockd_s"))
    return busy - beside_s / cell.wall_s - sum(part for part in parts if part is not None)


def throttled(cell: Cell, run: Run) -> float | None:
    """0 without a CPU limit: there is nothing that could throttle. Of both machines, where there are two."""
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
    """Of the file's pages, how many were not in the page cache, at the worse edge of a warm cell.

    0 for a path that passes the cache by: what it does not use may leave, and is read again before the next cell.
    """
    if run.cache == "cold" or _passes_the_cache_by(cell.mode, run):
        return 0.0
    resident = cell.metrics.get("resident_share")
    return None if resident is None else 1 - resident


def _passes_the_cache_by(mode: str, run: Run) -> bool:
    copies = next((target.copies for target in run.targets if target.name == mode), ())
    return bool(copies) and not any("page cache" in (copy.source, copy.destination) for copy in copies)


def left_share(cell: Cell, run: Run) -> float | None:
    """Of the file's pages, how many were in the page cache before a cold cell."""
    return cell.metrics.get("resident_share") if run.cache == "cold" else 0.0


def warm_major_faults(cell: Cell, run: Run) -> float | None:
    """Cold, they are how a mapped file is read."""
    return 0.0 if run.cache == "cold" else cell.metrics.get("major_faults")


def behind_share(cell: Cell, run: Run) -> float | None:
    """Of the bytes that were offered, how many did not arrive in time: another question than the paced one."""
    if not _paced(run):
        return 0.0
    return 1 - cell.received_bytes / cell.offered_bytes if cell.offered_bytes else None


def resent_share(cell: Cell, _run: Run) -> float | None:
    """Of the bytes, at most: the kernel counts segments, which are 64 KiB or less."""
    segments = cell.metrics.get("tcp_retransmits")
    return None if segments is None or cell.received_bytes <= 0 else segments * 64 * KIB / cell.received_bytes


def _metric(name: str) -> Callable[[Cell, Run], float | None]:
    return lambda cell, _: cell.metrics.get(name)


GATES: tuple[DisturbanceRule, ...] = (
    DisturbanceRule("steal", 0.02, "share", "the hypervisor took more than 2 % of the CPU time", steal_share),
    DisturbanceRule("the sampler's CPU", 0.02, "cores", "the sampler took more than 2 % of a core", sampler_cores),
    DisturbanceRule("foreign CPU", 0.10, "cores", "other processes took more than 10 % of a core", foreign_cores),
    DisturbanceRule("cgroup throttling", 0, "s", "the cgroup's CPU limit stopped the processes", throttled),
    DisturbanceRule("swapping", 0, "bytes", "the machine swapped", swapped),
    DisturbanceRule(
        "major faults",
        0,
        "faults",
        "major page faults: the file came from the disk, not from the page cache",
        warm_major_faults,
        applies=_warm,
    ),
    DisturbanceRule("a stopped server", 0, "s", "the server was stopped for a while", _metric("stopped_s")),
    DisturbanceRule(
        "absent pages", 0, "share", "a part of the file was not in the page cache", absent_share, applies=_warm
    ),
    DisturbanceRule(
        "resident pages",
        MOST_RESIDENT,
        "share",
        "a part of the file was in the page cache before a cold cell",
        left_share,
        voids=True,
        applies=_cold,
    ),
    DisturbanceRule(
        "fell behind",
        MOST_BEHIND,
        "share",
        "less than 98 % of the offered bytes arrived",
        behind_share,
        voids=True,
        applies=_paced,
    ),
    DisturbanceRule(
        "TCP retransmits", 0.01, "share", "TCP sent up to more than 1 % of the bytes again", resent_share, drops=False
    ),
)


def disturbances(cells: Mapping[str, Cell], run: Run) -> tuple[str, ...]:
    """Why the round of these cells, by mode, is to be dropped; empty for a calm one."""
    return tuple(
        f"{gate.name} {gate.say(gate.read(cell, run))} ({mode})"
        for gate in GATES
        if gate.drops
        for mode, cell in cells.items()
        if gate.over(cell, run)
    )
