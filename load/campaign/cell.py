"""A cell from the slices that it is the sum of: pure arithmetic.

Its rule: every number of a cell is a sum of differences between two readings at which nothing moved (docs/method.md
§2), so bytes and counters belong together without any clock being asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from load.users.meter import Meter
from load.users.slice_counts import SliceCounts
from profiles.protocol import LOAD, LOAD_MACHINE, LOAD_SAMPLER, Snapshot
from profiles.store.records import Cell
from profiles.store.run_facts import MetricFacts
from units import GIB

MIN_REQUESTS_FOR_PERCENTILE = 1000  # docs/method.md §4

Values = dict[str, float | None]

DERIVED: tuple[MetricFacts, ...] = (
    MetricFacts("server_user_s", "s", "derived", "the server's CPU time in user mode", per_gib=True),
    MetricFacts("server_system_s", "s", "derived", "the server's CPU time in the kernel", per_gib=True),
    MetricFacts("server_cpu_s", "s", "derived", "the server's CPU time, user and system", per_gib=True),
    MetricFacts("server_cpu_s_per_gib", "s/GiB", "derived", "the server's CPU time per GiB received: primary"),
    MetricFacts("client_user_s", "s", "derived", "the load generator's CPU time in user mode", per_gib=True),
    MetricFacts("client_system_s", "s", "derived", "the load generator's CPU time in the kernel", per_gib=True),
    MetricFacts("client_cpu_s_per_gib", "s/GiB", "derived", "the load generator's CPU time per GiB received"),
    MetricFacts("machine_cpu_s_per_gib", "s/GiB", "derived", "the whole machine's CPU time per GiB received"),
    MetricFacts("gib_per_s", "GiB/s", "derived", "bytes received per second"),
    MetricFacts("steal_s", "s", "derived", "CPU time that the hypervisor gave to others"),
    MetricFacts("swapped_bytes", "bytes", "derived", "swapped in and out, by the whole machine"),
    MetricFacts("tcp_retransmits", "segments", "derived", "TCP segments that were sent again, by anyone here"),
    MetricFacts("throttled_s", "s", "derived", "time for which the cgroup's CPU limit stopped us"),
    MetricFacts("ksoftirqd_s", "s", "derived", "CPU time of the kernel's ksoftirqd: network work billed to no process"),
    MetricFacts("kblockd_s", "s", "derived", "CPU time of the kernel's urgent workers, kblockd's: disk work of nobody"),
    MetricFacts("sampler_cpu_s", "s", "derived", "CPU time of the sampler's process"),
    MetricFacts(
        "resident_share", "share", "derived", "of the file's pages in the page cache: before or after, the smaller"
    ),
    MetricFacts("cpu_probe_us", "µs", "derived", "CPU time of a fixed loop on the servers' CPUs, before or after"),
    MetricFacts("idle_cores", "cores", "derived", "busy cores of the server while other modes were measured"),
    MetricFacts("latency_p50_us", "µs", "derived", "median latency of completed downloads, from 1,000 on"),
    MetricFacts("latency_p99_us", "µs", "derived", "99th percentile of latency, from 1,000 downloads on"),
)
BETWEEN_HOSTS: tuple[MetricFacts, ...] = (
    MetricFacts("load_steal_s", "s", "derived", "CPU time that the hypervisor of the load's machine gave to others"),
    MetricFacts("load_swapped_bytes", "bytes", "derived", "swapped in and out, by the load's machine"),
    MetricFacts("load_throttled_s", "s", "derived", "time for which a CPU limit stopped the load"),
)
_DISTURBANCES = ("steal_s", "swapped_bytes", "tcp_retransmits", "throttled_s", "ksoftirqd_s", "kblockd_s")
_SPLIT_CPU = ("cpu_s", "user_s", "system_s")


_Key = tuple[str, str]  # process, metric


@dataclass(frozen=True, slots=True)
class Window:
    """Between two readings of the counters, at each of which nothing moved. counts: what the users did meanwhile."""

    first: Snapshot
    last: Snapshot
    counts: SliceCounts

    @property
    def span_s(self) -> float:
        return self.last.monotonic_s - self.first.monotonic_s

    def difference(self, process: str, name: str) -> float | None:
        """None where it is unknown. Raises KeyError when the process is missing from a snapshot."""
        first, last = (snapshot.processes[process][name] for snapshot in (self.first, self.last))
        of_workers = self.counts.cpu.get(name, 0.0) if process == LOAD else 0.0
        return None if first is None or last is None else last - first + of_workers


class Tally:
    """Adds up the slices of one mode in one round. facts: of the agent's process metrics."""

    def __init__(self, mode: str, facts: tuple[MetricFacts, ...]) -> None:
        self._mode = mode
        self._facts = facts
        self._sums: dict[_Key, float | None] = {}
        self._counts: list[SliceCounts] = []
        self._span_s = 0.0
        self._idle_cpu_s = self._idle_s = 0.0
        self._is_idle_known = True

    def add(self, window: Window) -> None:
        """Raises KeyError when the server or the load generator is missing from a snapshot."""
        for key, value in list(self._values(window)):  # all of them, or none where one is missing
            before = self._sums.get(key, 0.0)
            is_gauge = key[1] in self._gauges
            self._sums[key] = value if is_gauge else None if before is None or value is None else before + value
        self._counts.append(window.counts)
        self._span_s += window.span_s

    def add_idle(self, window: Window) -> None:
        """Another mode's slice, in which this one's server had nothing to do."""
        if self._mode in window.last.processes:
            spent_s = window.difference(self._mode, "cpu_s")
            self._is_idle_known = self._is_idle_known and spent_s is not None
            self._idle_cpu_s += spent_s or 0.0
            self._idle_s += window.span_s

    def cell(self, position: tuple[int, int], started_s: float, meter: Meter, offered_bytes: int | None = None) -> Cell:
        """position: the round and the mode's place in it. meter: failures and latencies of all its slices."""
        received_bytes = sum(counts.received_bytes for counts in self._counts)
        wall_s = sum(counts.wall_s for counts in self._counts)
        return Cell(
            round=position[0],
            position=position[1],
            mode=self._mode,
            started_s=started_s,
            wall_s=wall_s,
            received_bytes=received_bytes,
            downloads=sum(counts.downloads for counts in self._counts),
            failures=meter.failures,
            failure_names=dict(meter.failure_names),
            latency_histogram=meter.latency_us.encode().decode("ascii"),
            metrics=self._metrics(meter, received_bytes / GIB, wall_s),
            offered_bytes=offered_bytes,
            slices=len(self._counts),
            span_s=self._span_s,
        )

    @property
    def _gauges(self) -> frozenset[str]:
        return frozenset(fact.name for fact in self._facts if fact.kind == "gauge")

    def _values(self, window: Window) -> Iterator[tuple[_Key, float | None]]:
        last = window.last.processes
        for process in (self._mode, LOAD):
            for fact in self._facts:
                gauge = last[process][fact.name] if fact.kind == "gauge" else None
                value = gauge if fact.kind == "gauge" else window.difference(process, fact.name)
                yield (process, fact.name), value
        for process in ("machine", "sampler", LOAD_MACHINE, LOAD_SAMPLER):
            for name in last.get(process, ()):
                yield (process, name), window.difference(process, name)

    def _sum(self, process: str, name: str) -> float | None:
        return self._sums.get((process, name))

    def _metrics(self, meter: Meter, gib: float, wall_s: float) -> Values:
        server = {fact.name: self._sum(self._mode, fact.name) for fact in self._facts}
        client = {fact.name: self._sum(LOAD, fact.name) for fact in self._facts}
        machine = [self._sum("machine", name) for name in ("user_s", "system_s")]
        machine_cpu_s = None if None in machine else sum(value for value in machine if value is not None)
        idle = self._idle_cpu_s / self._idle_s if self._is_idle_known and self._idle_s else None
        return {
            **{f"server_{name}": value for name, value in _split(server).items()},
            "server_cpu_s_per_gib": _per(server["cpu_s"], gib),
            **{f"client_{name}": value for name, value in _split(client).items() if name != "cpu_s"},
            "client_cpu_s_per_gib": _per(client["cpu_s"], gib),
            "machine_cpu_s_per_gib": _per(machine_cpu_s, gib),
            "gib_per_s": gib / wall_s if wall_s else None,
            **{name: value for name, value in server.items() if name not in _SPLIT_CPU},
            **{name: self._sum("machine", name) for name in _DISTURBANCES},
            **self._of_samplers(),
            "idle_cores": idle,
            "latency_p50_us": _percentile(meter, 50),
            "latency_p99_us": _percentile(meter, 99),
        }

    def _of_samplers(self) -> Values:
        """What the samplers took of the servers' machine; and what concerns the load's, where that is another one."""
        own = self._sum("sampler", "cpu_s")
        if (LOAD_SAMPLER, "cpu_s") not in self._sums:
            return {"sampler_cpu_s": own}
        if (LOAD_MACHINE, "steal_s") not in self._sums:  # another host, but the same machine
            here = self._sum(LOAD_SAMPLER, "cpu_s")
            return {"sampler_cpu_s": None if own is None or here is None else own + here}
        names = ("steal_s", "swapped_bytes", "throttled_s")
        return {"sampler_cpu_s": own, **{f"load_{name}": self._sum(LOAD_MACHINE, name) for name in names}}


@dataclass(frozen=True, slots=True)
class Edge:
    """Where a window begins or ends while users go on: a reading of the counters, and what had been received a moment
    later. moment_s: by our monotonic clock."""

    snapshot: Snapshot
    moment_s: float
    received_bytes: int
    downloads: int


def cell_between(
    edges: tuple[Edge, Edge],
    mode: str,
    position: tuple[int, int],
    began_s: float,
    meter: Meter,
    facts: tuple[MetricFacts, ...],
) -> Cell:
    """A cell that is no sum of slices: it cuts downloads, and is never compared. began_s: of the run, by our monotonic
    clock. Raises KeyError as Tally does."""
    first, last = edges
    received = last.received_bytes - first.received_bytes, last.downloads - first.downloads
    tally = Tally(mode, facts)
    tally.add(Window(first.snapshot, last.snapshot, SliceCounts(last.moment_s - first.moment_s, *received)))
    return replace(tally.cell(position, first.moment_s - began_s, meter), slices=0)


def smaller_share(before: float | None, after: float | None) -> float | None:
    """The smaller share of the served file that was in the page cache, before or after a cell."""
    return None if before is None or after is None else min(before, after)


def _split(values: Values) -> Values:
    cpu_s, user_s, system_s = (values[name] for name in _SPLIT_CPU)
    if cpu_s is None or user_s is None or system_s is None:
        return dict.fromkeys(_SPLIT_CPU)
    user_s, system_s = split_cpu(cpu_s, user_s, system_s)
    return {"user_s": user_s, "system_s": system_s, "cpu_s": cpu_s}


def split_cpu(cpu: float, user: float, system: float) -> tuple[float, float]:
    """cpu, exact, divided as user and system, in coarse ticks, say."""
    share = user / (user + system) if user + system > 0 else 0.0
    return cpu * share, cpu * (1 - share)


def _per(value: float | None, gib: float) -> float | None:
    return None if value is None or gib <= 0 else value / gib


def _percentile(meter: Meter, percent: float) -> float | None:
    if meter.latency_us.get_total_count() < MIN_REQUESTS_FOR_PERCENTILE:
        return None
    return float(meter.latency_us.get_value_at_percentile(percent))
