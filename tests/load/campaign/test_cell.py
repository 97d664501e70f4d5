"""A cell's numbers are differences over one window."""

from dataclasses import replace

import pytest
from hdrh.histogram import HdrHistogram

from load.campaign.cell import DERIVED, Values, WindowBoundary, interpolate_count, measure
from load.users.meter import Meter
from profiles.metrics.process import METRICS
from profiles.protocol import LOAD_SAMPLER, Snapshot
from profiles.store.records import Cell
from units import GIB

FACTS = tuple(metric.facts for metric in METRICS)


def process(cpu_s: float, user_s: float, system_s: float, switches: float = 0, rss_bytes: float = 0) -> Values:
    values: Values = {fact.name: 0.0 for fact in FACTS}
    return values | {
        "cpu_s": cpu_s,
        "user_s": user_s,
        "system_s": system_s,
        "voluntary_switches": switches,
        "rss_bytes": rss_bytes,
    }


def boundary(moment_s: float, received_bytes: float, scale: float) -> WindowBoundary:
    machine: Values = {"user_s": 3 * scale, "system_s": 5 * scale, "steal_s": 0.25 * scale}
    machine |= {"swapped_bytes": 0.0, "tcp_retransmits": 2 * scale, "throttled_s": None, "ksoftirqd_s": scale / 8}
    machine["kblockd_s"] = scale / 16
    processes: dict[str, Values] = {
        "sendfile": process(0.5 * scale, 0.1 * scale, 0.3 * scale, 1000 * scale, 4096 * scale),
        "load": process(2 * scale, scale, scale),
        "machine": machine,
        "sampler": {"cpu_s": 0.01 * scale},
    }
    return WindowBoundary(Snapshot(moment_s, processes), moment_s, 0.0, received_bytes, downloads=10 * scale)


def cell_between(first: WindowBoundary, last: WindowBoundary, meter: Meter | None = None) -> Cell:
    return measure((3, 1), "sendfile", 7.5, (first, last), meter or Meter(), FACTS)


def test_counters_are_differences_over_the_window_and_gauges_are_read_at_its_end() -> None:
    cell = cell_between(boundary(10, 5 * GIB, 1), boundary(12, 9 * GIB, 3))
    assert (cell.round, cell.position, cell.started_s, cell.wall_s) == (3, 1, 7.5, 2)
    assert cell.received_bytes == 4 * GIB
    assert cell.metrics["server_cpu_s"] == pytest.approx(1.0)
    assert cell.metrics["server_cpu_s_per_gib"] == pytest.approx(0.25)
    assert cell.metrics["client_cpu_s_per_gib"] == pytest.approx(1.0)
    assert cell.metrics["machine_cpu_s_per_gib"] == pytest.approx(4.0)
    assert cell.metrics["gib_per_s"] == pytest.approx(2.0)
    assert cell.metrics["voluntary_switches"] == 2000
    assert cell.metrics["rss_bytes"] == 3 * 4096
    assert cell.downloads == 20
    assert (cell.metrics["tcp_retransmits"], cell.metrics["throttled_s"]) == (4, None)
    assert cell.metrics["steal_s"] == pytest.approx(0.5)
    assert (cell.metrics["ksoftirqd_s"], cell.metrics["kblockd_s"]) == (0.25, 0.125)
    assert cell.metrics["sampler_cpu_s"] == pytest.approx(0.02)


def test_the_exact_cpu_time_is_split_by_the_ticks() -> None:
    metrics = cell_between(boundary(10, 0, 1), boundary(12, GIB, 3)).metrics
    assert metrics["server_user_s"] == pytest.approx(0.25)
    assert metrics["server_system_s"] == pytest.approx(0.75)


def test_without_bytes_there_is_no_ratio() -> None:
    metrics = cell_between(boundary(10, GIB, 1), boundary(12, GIB, 3)).metrics
    assert metrics["server_cpu_s_per_gib"] is None
    assert metrics["gib_per_s"] == 0


def test_what_is_unknown_stays_unknown() -> None:
    first, last = boundary(10, 0, 1), boundary(12, GIB, 3)
    last.snapshot.processes["sendfile"]["voluntary_switches"] = None
    assert cell_between(first, last).metrics["voluntary_switches"] is None


def test_two_samplers_on_one_machine_both_count_unless_one_is_unknown() -> None:
    first, last = boundary(10, 0, 1), boundary(12, GIB, 3)
    for one, cpu_s in ((first, 1.0), (last, 1.5)):
        one.snapshot.processes[LOAD_SAMPLER] = {"cpu_s": cpu_s}
    assert cell_between(first, last).metrics["sampler_cpu_s"] == pytest.approx(0.52)
    last.snapshot.processes[LOAD_SAMPLER]["cpu_s"] = None
    assert cell_between(first, last).metrics["sampler_cpu_s"] is None


def test_a_missing_process_is_an_error_and_not_zero() -> None:
    last = boundary(12, GIB, 3)
    without = {name: values for name, values in last.snapshot.processes.items() if name != "sendfile"}
    with pytest.raises(KeyError):
        cell_between(boundary(10, 0, 1), replace(last, snapshot=Snapshot(12, without)))


def test_percentiles_need_a_thousand_requests_and_the_histogram_is_always_kept() -> None:
    meter = Meter()
    for number in range(999):
        meter.add_download((number + 1) / 1e6)
    few = cell_between(boundary(10, 0, 1), boundary(12, GIB, 3), meter)
    assert few.metrics["latency_p50_us"] is None
    meter.add_download(0.001)
    many = cell_between(boundary(10, 0, 1), boundary(12, GIB, 3), meter)
    assert many.metrics["latency_p50_us"] == pytest.approx(500, rel=0.01)
    assert many.metrics["latency_p99_us"] == pytest.approx(990, rel=0.01)
    assert many.downloads == 20
    assert HdrHistogram.decode(many.latency_histogram).get_total_count() == 1000


def test_every_number_of_a_cell_has_its_facts() -> None:
    known = {fact.name for fact in (*FACTS, *DERIVED)}
    assert set(cell_between(boundary(10, 0, 1), boundary(12, GIB, 3)).metrics) <= known


def test_bytes_are_read_at_the_agents_moment() -> None:
    assert interpolate_count(2.5, (2.0, 100), (4.0, 500)) == 200
    assert interpolate_count(1.0, (2.0, 100), (4.0, 500)) == 100
    assert interpolate_count(5.0, (2.0, 100), (4.0, 500)) == 500
    assert interpolate_count(2.0, (2.0, 100), (2.0, 500)) == 500
