"""What disturbed a round, by covariates: steal, throttling, foreign CPU and the like (docs/method.md §6). Pure.

Its rule: a disturbance rule looks at how a cell ran and never at its result, so that leaving a round out cannot favour
a result. What cannot be read is None, "unknown": it neither disturbs nor clears. A disturbance is a caution; only a
round that measured something else is left out and repeated, whole. Steal is such a case above 2 % where it is not
proved that the process clock excludes it. TCP retransmits never are: over loopback a fast server overruns the
receiver's buffer by itself, so they belong to the mode.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from profiles.store.records import Cell, Run
from reports.analysis.bottleneck import cpus
from units import GIB, KIB

MOST_RESIDENT = 0.01  # of a file that is to be cold
MOST_BEHIND = 0.02  # of the bytes that were offered
MOST_STEAL = 0.02  # of the machine's CPU time
EXTREME_STEAL = 0.25

Read = Callable[[Cell, Run], float | None]


def never(_run: Run) -> float | None:
    return None


def above(limit: float) -> Callable[[Run], float | None]:
    return lambda _run: limit


@dataclass(frozen=True, slots=True)
class DisturbanceRule:
    """limit: the largest value of a calm cell; above it is a caution. complaint: what the caution says; {worst} in it
    is the worst value. read: a cell's value, None where it is unknown. repeat_above: the value above which a round
    measured something else; None: it never does. voids: a round above the limit that must be judged after all answers
    another question, so that its mode is void. by_mode: it says something about the mode, not about the machine. cache,
    question, slices: the rule is for such runs only."""

    name: str
    limit: float
    unit: str
    complaint: str
    read: Read
    repeat_above: Callable[[Run], float | None] = never
    voids: bool = False
    by_mode: bool = False
    cache: str | None = None
    question: str | None = None
    slices: bool = False

    def applies(self, run: Run) -> bool:
        """Whether it is for some mode of this run."""
        whole = not self.slices or run.slice_s is not None
        return (
            whole and (self.cache in (None, run.cache) or run.cache == "both") and self.question in (None, run.question)
        )

    def is_for(self, cell: Cell, run: Run) -> bool:
        return self.applies(run) and self.cache in (None, "cold" if run.is_cold(cell.mode) else "warm")

    def over(self, cell: Cell, run: Run) -> bool:
        return self._above(self.limit, cell, run)

    def repeats(self, cell: Cell, run: Run) -> bool:
        """Whether this cell's round measured something else."""
        return self._above(self.repeat_above(run), cell, run)

    def _above(self, limit: float | None, cell: Cell, run: Run) -> bool:
        value = self.read(cell, run) if self.is_for(cell, run) else None
        return value is not None and limit is not None and value > limit

    def say(self, value: float | None) -> str:
        """The value with its unit; shares as percent."""
        if value is None:
            return "unknown"
        return f"{100 * value:.2g} %" if self.unit == "share" else f"{value:.3g} {self.unit}"


def about_steal(run: Run) -> str:
    """Does stolen time enter the score?"""
    if run.clock_excludes_steal is None:
        who = "a quick run does not try whether" if run.quick else "it was not proved that"
        return f"{who} this machine's process clock excludes steal"
    return f"this machine's process clock {'excludes' if run.clock_excludes_steal else 'includes'} steal"


def counted_s(cell: Cell) -> float:
    """Seconds between the readings of the counters."""
    return cell.span_s or cell.wall_s


def steal_share(cell: Cell, run: Run) -> float | None:
    """Share of the CPU time of all the machine's CPUs, since steal is known for all of them together; of the worse
    machine, where load and servers have one each."""
    servers = _stolen(cell, "steal_s", run.host)
    load = _stolen(cell, "load_steal_s", run.load_host) if run.load_host else servers
    return None if servers is None or load is None else max(servers, load)


def _stolen(cell: Cell, metric: str, host: Mapping[str, object]) -> float | None:
    steal_s, number = cell.metrics.get(metric), host.get("cpus")
    if steal_s is None or not isinstance(number, int | float) or number <= 0 or counted_s(cell) <= 0:
        return None
    return steal_s / (counted_s(cell) * number)


def sampler_cores(cell: Cell, _run: Run) -> float | None:
    """Cores that the agent's process kept busy: it samples."""
    sampler_s = cell.metrics.get("sampler_cpu_s")
    return None if sampler_s is None or counted_s(cell) <= 0 else sampler_s / counted_s(cell)


def foreign_cores(cell: Cell, run: Run) -> float | None:
    """Busy cores of the servers' machine beyond the server, the client if it is there, the agent, and the kernel.

    ksoftirqd does network work for a server that has more of it than fits between its own steps (mmap-send is one),
    and kblockd disk work for one that bypasses the page cache: it is the mode's own. Where those threads cannot be seen
    their time counts as foreign.
    """
    metrics = cell.metrics
    ours = ["server_user_s", "server_system_s", "sampler_cpu_s"]
    ours += [] if run.load_host else ["client_user_s", "client_system_s"]
    known_s = [seconds for name in ours if (seconds := metrics.get(name)) is not None]
    machine_s_per_gib = metrics.get("machine_cpu_s_per_gib")
    if machine_s_per_gib is None or counted_s(cell) <= 0 or len(known_s) < len(ours):
        return None
    kernel_s = sum(metrics.get(name) or 0.0 for name in ("ksoftirqd_s", "kblockd_s"))
    return (machine_s_per_gib * cell.received_bytes / GIB - kernel_s - sum(known_s)) / counted_s(cell)


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


def _steal_that_counts(run: Run) -> float:
    return EXTREME_STEAL if run.clock_excludes_steal else MOST_STEAL


def _half_of_the_servers_cpus(run: Run) -> float:
    return cpus(run, "server_cpus") / 2


_Rule = DisturbanceRule
# fmt: off
RULES: tuple[DisturbanceRule, ...] = (
    _Rule("steal", MOST_STEAL, "share", "steal above 2 % of the machine's CPU time", steal_share, _steal_that_counts),
    _Rule("sampler CPU", 0.1, "cores", "the sampler used more than 10 % of a core", sampler_cores),
    _Rule("foreign CPU", 0.10, "cores", "other processes used more than 10 % of a core", foreign_cores,
          _half_of_the_servers_cpus),
    _Rule("cgroup throttling", 0, "s", "the cgroup's CPU limit throttled the processes", throttled, above(0)),
    _Rule("swapping", 0, "bytes", "the machine swapped", swapped, above(0)),
    _Rule("major faults", 0, "faults", "major page faults, so the file came from disk and not from the page cache,",
          _metric("major_faults"), cache="warm"),
    _Rule("stopped server", 0, "s", "the server was stopped for a while", _metric("stopped_s"), above(0)),
    _Rule("idle servers", 0.01, "share", "kept up to {worst} of a core busy while others were measured",
          _metric("idle_cores"), by_mode=True, slices=True),
    _Rule("absent pages", 0, "share", "part of the file was not in the page cache", absent_share, above(0.01),
          cache="warm"),
    _Rule("resident pages", MOST_RESIDENT, "share", "part of the file was in the page cache before a cold cell",
          _metric("resident_share"), above(MOST_RESIDENT), voids=True, cache="cold"),
    _Rule("fell behind", MOST_BEHIND, "share", "less than 98 % of the offered bytes arrived", behind_share,
          above(MOST_BEHIND), voids=True, question="paced"),
    _Rule("TCP retransmits", 0.01, "share", "more than 1 % of TCP data was retransmitted", retransmitted_share),
)
# fmt: on


def must_repeat(cells_by_mode: Mapping[str, Cell], run: Run) -> tuple[str, ...]:
    """Why this round measured something else; empty for one that stands."""
    return tuple(
        f"{rule.name} {rule.say(rule.read(cell, run))} ({mode})"
        for rule in RULES
        for mode, cell in cells_by_mode.items()
        if rule.repeats(cell, run)
    )


def steal_seen(cells_by_mode: Mapping[str, Cell], run: Run) -> bool:
    """Whether more than 2 % of the machine's CPU time was stolen while one of these cells ran."""
    return any((steal_share(cell, run) or 0.0) > MOST_STEAL for cell in cells_by_mode.values())


def others_share(cells_by_mode: Mapping[str, Cell], run: Run) -> float:
    """How disturbed a round was: the share of the machine's CPU time that steal and foreign processes had, in its worst
    cell, as far as it is known."""
    foreign = ((foreign_cores(cell, run) or 0.0) / cpus(run, "cpus") for cell in cells_by_mode.values())
    stolen = (steal_share(cell, run) or 0.0 for cell in cells_by_mode.values())
    return max((a + max(b, 0.0) for a, b in zip(stolen, foreign, strict=True)), default=0.0)
