"""From counters to points: what each process cost per second at one tick of the agent's sampler.

Its rule: pure. A rate is the difference of two samples of the same process (same name, same pid). What is unknown is
None: a gap in a line, never a zero. Users counted the bytes, so counts are interpolated to the sampler's moments.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from load.campaign.cell import split_cpu
from profiles.protocol import LOAD, TimedSample
from profiles.store.records import Cell
from units import GIB, MIB

MACHINE = "machine"
# Of a process, in the order of a point: CPU in cores, memory in bytes, cost in CPU s/GiB, all else per second.
COLUMNS = ("user", "system", "voluntary", "involuntary", "faults", "memory", "threads", "received", "cost", "users")
MACHINE_COLUMNS = ("user", "system", "steal")
COST_WINDOW_S = 10.0
LEAST_COST_BYTES = MIB  # CPU per GiB of fewer bytes means nothing
# A mode that reads a whole file first costs CPU before the first bytes arrive: it shows a cost once as many have come.
SETTLED_BYTES, SETTLED_S = GIB, COST_WINDOW_S / 2
SAME_TICK_S = 0.2
SPLIT_SAMPLES = 6  # ticks of 10 ms are too coarse for half a second

Values = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """Bytes received and number of users, by target, at a moment of the monotonic clock."""

    moment_s: float
    received_bytes: Mapping[str, int]
    users: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Point:
    """One tick. processes: COLUMNS of each by name, targets and the load generator. machine: MACHINE_COLUMNS."""

    moment_s: float
    processes: Mapping[str, Values]
    machine: Values


@dataclass(frozen=True, slots=True)
class _Seen:
    """A sample, and the bytes that had been received by then."""

    sample: TimedSample
    received_bytes: float

    def value(self, name: str) -> float | None:
        return self.received_bytes if name == "received_bytes" else self.sample.values.get(name)

    def since(self, before: "_Seen", name: str) -> float | None:
        """What a counter added per second."""
        first, last = before.value(name), self.value(name)
        seconds = self.sample.monotonic_s - before.sample.monotonic_s
        return None if first is None or last is None or seconds <= 0 else (last - first) / seconds


class Rates:
    """Remembers the last samples of each process, which the next point and the sliding cost are differences to."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[_Seen]] = {}
        self._forgotten: dict[str, float] = {}

    def forget(self, process: str, moment_s: float) -> None:
        """Take no difference across this moment: the process waited for a child, whose CPU time then counts as its
        own."""
        self._forgotten[process] = moment_s

    def point(self, tick: Sequence[TimedSample], before: Counts, after: Counts) -> Point:
        """tick: all samples of about one moment. before, after: counts of the users before and after it."""
        processes: dict[str, Values] = {}
        machine: Values = (None,) * len(MACHINE_COLUMNS)
        for sample in tick:
            window = self._remember(_Seen(sample, _received(sample, before, after)))
            if sample.process == MACHINE:
                before_it = window[-2] if len(window) > 1 else window[-1]
                machine = tuple(window[-1].since(before_it, f"{name}_s") for name in MACHINE_COLUMNS)
            elif "rss_bytes" in sample.values:
                processes[sample.process] = _of_process(window, after.users.get(sample.process, 0))
        oldest_s = tick[0].monotonic_s - COST_WINDOW_S
        self._seen = {name: seen for name, seen in self._seen.items() if seen[-1].sample.monotonic_s >= oldest_s}
        return Point(tick[0].monotonic_s, processes, machine)

    def _remember(self, seen: _Seen) -> deque[_Seen]:
        """The samples of this very process within the sliding window, the newest last."""
        window = self._seen.setdefault(seen.sample.process, deque())
        forgotten_s = self._forgotten.get(seen.sample.process, 0.0)
        if window and (
            window[-1].sample.pid != seen.sample.pid
            or window[-1].sample.monotonic_s < forgotten_s <= seen.sample.monotonic_s
        ):
            window.clear()
        window.append(seen)
        while len(window) > 2 and seen.sample.monotonic_s - window[1].sample.monotonic_s >= COST_WINDOW_S:
            window.popleft()
        return window


def round_point(moment_s: float, cells: Sequence[Cell], users: int, machine: Values) -> Point:
    """One point for a whole round of a campaign: modes take turns of a fraction of a second there, too short for a line
    over time. Each has its rates over its own slices, and the peak of its memory.

    cells: of the round. machine: MACHINE_COLUMNS meanwhile.
    """
    loaded = [cell for cell in cells if cell.wall_s > 0]
    processes = {cell.mode: _of_cell(cell, users) for cell in loaded}
    if loaded:
        rates = (_per_s(loaded, "client_user_s"), _per_s(loaded, "client_system_s"))
        processes[LOAD] = (*rates, *(None,) * 5, _received_per_s(loaded), None, float(users))
    return Point(moment_s, processes, machine)


def _of_cell(cell: Cell, users: int) -> Values:
    return (
        *(_per_s([cell], f"server_{name}_s") for name in ("user", "system")),
        *(_per_s([cell], f"{name}_switches") for name in ("voluntary", "involuntary")),
        _per_s([cell], "minor_faults", "major_faults"),
        *(cell.metrics.get(name) for name in ("peak_rss_bytes", "threads")),
        _received_per_s([cell]),
        cell.metrics.get("server_cpu_s_per_gib"),
        float(users),
    )


def _per_s(cells: Sequence[Cell], *counters: str) -> float | None:
    values = [cell.metrics.get(name) for cell in cells for name in counters]
    known = [value for value in values if value is not None]
    return sum(known) / sum(cell.wall_s for cell in cells) if len(known) == len(values) else None


def _received_per_s(cells: Sequence[Cell]) -> float:
    return sum(cell.received_bytes for cell in cells) / sum(cell.wall_s for cell in cells)


def ticks(samples: Iterable[TimedSample]) -> Iterator[list[TimedSample]]:
    """Group samples, ascending in time, by the tick at which they were taken. Two agents sample at slightly different
    moments."""
    tick: list[TimedSample] = []
    for sample in samples:
        if tick and sample.monotonic_s - tick[0].monotonic_s > SAME_TICK_S:
            yield tick
            tick = []
        tick.append(sample)
    if tick:
        yield tick


def _received(sample: TimedSample, before: Counts, after: Counts) -> float:
    """Bytes from this target at the sample's moment; for the load generator: from all targets."""
    first, last = (
        sum(counts.received_bytes.values()) if sample.process == LOAD else counts.received_bytes.get(sample.process, 0)
        for counts in (before, after)
    )
    return interpolate_count(sample.monotonic_s, (before.moment_s, first), (after.moment_s, last))


def _of_process(window: deque[_Seen], users: int) -> Values:
    seen, before = window[-1], window[-2] if len(window) > 1 else None
    gauges = (seen.sample.values.get("rss_bytes"), seen.sample.values.get("threads"))
    if before is None:
        return (None,) * 5 + gauges + (None, None, float(users))
    user, system = _split(window, before)
    faults = (seen.since(before, "minor_faults"), seen.since(before, "major_faults"))
    return (
        user,
        system,
        seen.since(before, "voluntary_switches"),
        seen.since(before, "involuntary_switches"),
        None if None in faults else sum(rate for rate in faults if rate is not None),
        *gauges,
        seen.since(before, "received_bytes"),
        _cost(window),
        float(users),
    )


def _split(window: deque[_Seen], before: _Seen) -> tuple[float | None, float | None]:
    """Cores in user mode and in the kernel: the exact CPU clock, divided by the ticks of the last samples."""
    seen, longer = window[-1], window[-min(len(window), SPLIT_SAMPLES)]
    cpu, (user, system) = seen.since(before, "cpu_s"), (seen.since(longer, name) for name in ("user_s", "system_s"))
    if cpu is None or user is None or system is None:
        return None, None
    return split_cpu(cpu, user, system)


def _cost(window: deque[_Seen]) -> float | None:
    """CPU seconds per GiB over the sliding window; None while nothing arrives, or has only just begun to."""
    last_s, begun = window[-1].sample.monotonic_s, window[0].received_bytes
    first_s = next((seen.sample.monotonic_s for seen in window if seen.received_bytes > begun), last_s)
    received_bytes = window[-1].received_bytes - begun
    first, last = window[0].sample.values.get("cpu_s"), window[-1].sample.values.get("cpu_s")
    arriving = window[-1].received_bytes > window[-2].received_bytes
    settled = received_bytes >= SETTLED_BYTES or last_s - first_s >= SETTLED_S
    if first is None or last is None or not arriving or not settled or received_bytes < LEAST_COST_BYTES:
        return None
    return (last - first) / (received_bytes / GIB)


def interpolate_count(moment_s: float, before: tuple[float, float], after: tuple[float, float]) -> float:
    """A count between two readings (monotonic seconds, count); outside them, the nearer reading."""
    span_s = after[0] - before[0]
    share = min(max((moment_s - before[0]) / span_s, 0.0), 1.0) if span_s > 0 else 1.0
    return before[1] + share * (after[1] - before[1])
