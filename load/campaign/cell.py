"""A cell from the two boundaries of its window: pure arithmetic.

Its rule: every number of a cell is a difference over the same window, and bytes are counted at the moment at which the
agent read its counters.
"""

from dataclasses import dataclass

from load.users.meter import Meter
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
    MetricFacts("latency_p50_us", "µs", "derived", "median latency of completed downloads, from 1,000 on"),
    MetricFacts("latency_p99_us", "µs", "derived", "99th percentile of latency, from 1,000 downloads on"),
)
BETWEEN_HOSTS: tuple[MetricFacts, ...] = (
    MetricFacts("clock_uncertainty_s", "s", "derived", "how well a moment of the servers' host is known here, ±"),
    MetricFacts("load_steal_s", "s", "derived", "CPU time that the hypervisor of the load's machine gave to others"),
    MetricFacts("load_swapped_bytes", "bytes", "derived", "swapped in and out, by the load's machine"),
    MetricFacts("load_throttled_s", "s", "derived", "time for which a CPU limit stopped the load"),
)
_DISTURBANCES = ("steal_s", "swapped_bytes", "tcp_retransmits", "throttled_s", "ksoftirqd_s", "kblockd_s")
_SPLIT_CPU = ("cpu_s", "user_s", "system_s")


@dataclass(frozen=True, slots=True)
class WindowBoundary:
    """One end of a window. moment_s: of the snapshot, on our clock (± uncertainty_s). received_bytes and downloads: at
    that moment."""

    snapshot: Snapshot
    moment_s: float
    uncertainty_s: float
    received_bytes: float
    downloads: float


Window = tuple[WindowBoundary, WindowBoundary]


def interpolate_count(moment_s: float, before: tuple[float, float], after: tuple[float, float]) -> float:
    """A count between two readings (monotonic seconds, count); outside them, the nearer reading."""
    span_s = after[0] - before[0]
    share = min(max((moment_s - before[0]) / span_s, 0.0), 1.0) if span_s > 0 else 1.0
    return before[1] + share * (after[1] - before[1])


def measure(
    position: tuple[int, int],
    mode: str,
    started_s: float,
    window: Window,
    meter: Meter,
    facts: tuple[MetricFacts, ...],
) -> Cell:
    """The cell between two boundaries. position: round and position in it. facts: of the agent's process metrics.

    Raises KeyError when the server or the load generator is missing from a snapshot.
    """
    first, last = window
    wall_s = last.snapshot.monotonic_s - first.snapshot.monotonic_s
    received_bytes = round(last.received_bytes - first.received_bytes)
    gib = received_bytes / GIB
    server = _process_values(window, mode, facts)
    client = _process_values(window, LOAD, facts)
    machine_s = _machine_busy_s(last.snapshot) - _machine_busy_s(first.snapshot)
    metrics: Values = {
        **{f"server_{name}": value for name, value in _split(server).items()},
        "server_cpu_s_per_gib": _per(server["cpu_s"], gib),
        **{f"client_{name}": value for name, value in _split(client).items() if name != "cpu_s"},
        "client_cpu_s_per_gib": _per(client["cpu_s"], gib),
        "machine_cpu_s_per_gib": _per(machine_s, gib),
        "gib_per_s": gib / wall_s,
        **{name: value for name, value in server.items() if name not in _SPLIT_CPU},
        **{name: _difference(window, "machine", name) for name in _DISTURBANCES},
        **_between_hosts(window),
        "latency_p50_us": _percentile(meter, 50),
        "latency_p99_us": _percentile(meter, 99),
    }
    return Cell(
        round=position[0],
        position=position[1],
        mode=mode,
        started_s=started_s,
        wall_s=wall_s,
        received_bytes=received_bytes,
        downloads=round(last.downloads - first.downloads),
        failures=meter.failures,
        failure_names=dict(meter.failure_names),
        latency_histogram=meter.latency_us.encode().decode("ascii"),
        metrics=metrics,
    )


def smaller_share(before: float | None, after: float | None) -> float | None:
    """The smaller share of the served file that was in the page cache, before or after a cell."""
    return None if before is None or after is None else min(before, after)


def _between_hosts(window: Window) -> Values:
    """What the samplers took of the servers' machine; and, where the load is on another host, what concerns that."""
    own, last = _difference(window, "sampler", "cpu_s"), window[1].snapshot.processes
    worst_s = max(boundary.uncertainty_s for boundary in window)
    uncertainty: Values = {"clock_uncertainty_s": worst_s} if worst_s else {}
    if LOAD_SAMPLER not in last:
        return {"sampler_cpu_s": own, **uncertainty}
    if LOAD_MACHINE not in last:  # another host, but the same machine
        here = _difference(window, LOAD_SAMPLER, "cpu_s")
        return {"sampler_cpu_s": None if own is None or here is None else own + here, **uncertainty}
    names = ("steal_s", "swapped_bytes", "throttled_s")
    return {"sampler_cpu_s": own, **uncertainty, **{f"load_{n}": _difference(window, LOAD_MACHINE, n) for n in names}}


def _process_values(window: Window, process: str, facts: tuple[MetricFacts, ...]) -> Values:
    """A process's metrics over the window: what counters added, and where gauges stood at its end."""
    last = window[1].snapshot.processes[process]
    return {
        fact.name: _difference(window, process, fact.name) if fact.kind == "counter" else last[fact.name]
        for fact in facts
    }


def _difference(window: Window, process: str, name: str) -> float | None:
    first, last = (boundary.snapshot.processes[process][name] for boundary in window)
    return None if first is None or last is None else last - first


def _split(window: Values) -> Values:
    cpu_s, user_s, system_s = (window[name] for name in _SPLIT_CPU)
    if cpu_s is None or user_s is None or system_s is None:
        return dict.fromkeys(_SPLIT_CPU)
    user_s, system_s = split_cpu(cpu_s, user_s, system_s)
    return {"user_s": user_s, "system_s": system_s, "cpu_s": cpu_s}


def split_cpu(cpu: float, user: float, system: float) -> tuple[float, float]:
    """cpu, exact, divided as user and system, in coarse ticks, say."""
    share = user / (user + system) if user + system > 0 else 0.0
    return cpu * share, cpu * (1 - share)


def _machine_busy_s(snapshot: Snapshot) -> float:
    values = snapshot.processes["machine"]
    return (values["user_s"] or 0.0) + (values["system_s"] or 0.0)


def _per(value: float | None, gib: float) -> float | None:
    return None if value is None or gib <= 0 else value / gib


def _percentile(meter: Meter, percent: float) -> float | None:
    if meter.latency_us.get_total_count() < MIN_REQUESTS_FOR_PERCENTILE:
        return None
    return float(meter.latency_us.get_value_at_percentile(percent))
