"""A cell is the sum of its slices: of differences between readings at which nothing moved."""

from dataclasses import replace

import pytest
from hdrh.histogram import HdrHistogram

from load.campaign.cell import BETWEEN_HOSTS, DERIVED, Edge, Tally, Values, Window, cell_between
from load.users.meter import Meter
from load.users.slice_counts import SliceCounts
from profiles.metrics.process import METRICS
from profiles.protocol import LOAD_MACHINE, LOAD_SAMPLER, Snapshot
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


def snapshot(moment_s: float, scale: float) -> Snapshot:
    """All counters stand at so many times of a second's worth."""
    machine: Values = {"user_s": 3 * scale, "system_s": 5 * scale, "steal_s": 0.25 * scale}
    machine |= {"swapped_bytes": 0.0, "tcp_retransmits": 2 * scale, "throttled_s": None, "ksoftirqd_s": scale / 8}
    machine["kblockd_s"] = scale / 16
    processes: dict[str, Values] = {
        "sendfile": process(0.5 * scale, 0.1 * scale, 0.3 * scale, 1000 * scale, 4096 * scale),
        "read-send": process(0.01 * scale, 0.0, 0.01 * scale),
        "load": process(2 * scale, scale, scale),
        "machine": machine,
        "sampler": {"cpu_s": 0.01 * scale},
    }
    return Snapshot(moment_s, processes)


def window(first_s: float = 10, scale: float = 1, gib: float = 2, wall_s: float = 0.9) -> Window:
    """One second, and one time of everything that is counted in it."""
    counts = SliceCounts(wall_s, round(gib * GIB), downloads=10)
    return Window(snapshot(first_s, scale), snapshot(first_s + 1, scale + 1), counts)


def cell_of(*windows: Window, meter: Meter | None = None) -> Cell:
    tally = Tally("sendfile", FACTS)
    for one in windows:
        tally.add(one)
    return tally.cell((3, 1), 7.5, meter or Meter())


def test_counters_are_summed_over_slices_and_gauges_are_those_of_the_last() -> None:
    cell = cell_of(window(10, 1, wall_s=0.9), window(40, 7, wall_s=1.1))
    assert (cell.round, cell.position, cell.mode, cell.started_s, cell.slices) == (3, 1, "sendfile", 7.5, 2)
    assert cell.wall_s == pytest.approx(2.0), "from the gates' openings to the last bytes"
    assert cell.span_s == pytest.approx(2.0), "between the readings, not what lies between the slices"
    assert (cell.received_bytes, cell.downloads, cell.offered_bytes) == (4 * GIB, 20, None)
    assert cell.metrics["server_cpu_s"] == pytest.approx(1.0)
    assert cell.metrics["server_cpu_s_per_gib"] == pytest.approx(0.25)
    assert cell.metrics["client_cpu_s_per_gib"] == pytest.approx(1.0)
    assert cell.metrics["machine_cpu_s_per_gib"] == pytest.approx(4.0)
    assert cell.metrics["gib_per_s"] == pytest.approx(2.0)
    assert cell.metrics["voluntary_switches"] == 2000
    assert cell.metrics["rss_bytes"] == 8 * 4096
    assert (cell.metrics["tcp_retransmits"], cell.metrics["throttled_s"]) == (4, None)
    assert cell.metrics["steal_s"] == pytest.approx(0.5)
    assert (cell.metrics["ksoftirqd_s"], cell.metrics["kblockd_s"]) == (0.25, 0.125)
    assert cell.metrics["sampler_cpu_s"] == pytest.approx(0.02)


def test_the_exact_cpu_time_is_split_by_the_ticks_of_all_slices() -> None:
    metrics = cell_of(window(10, 1), window(40, 7)).metrics
    assert metrics["server_user_s"] == pytest.approx(0.25)
    assert metrics["server_system_s"] == pytest.approx(0.75)


def test_the_cpu_time_of_workers_belongs_to_the_load() -> None:
    one = window(gib=1)
    spent = {"cpu_s": 1.0, "user_s": 0.5, "system_s": 0.5}
    metrics = cell_of(replace(one, counts=replace(one.counts, cpu=spent))).metrics
    assert metrics["client_cpu_s_per_gib"] == pytest.approx(2.0 + 1.0)
    assert metrics["server_cpu_s_per_gib"] == pytest.approx(0.5)


def test_without_bytes_there_is_no_ratio() -> None:
    metrics = cell_of(window(gib=0)).metrics
    assert metrics["server_cpu_s_per_gib"] is None
    assert metrics["gib_per_s"] == 0


@pytest.mark.parametrize("unknown_in", [0, 1])
def test_what_is_unknown_in_one_slice_is_unknown_in_all(unknown_in: int) -> None:
    windows = window(10, 1), window(40, 7)
    for process_name, name in (("sendfile", "voluntary_switches"), ("machine", "user_s")):
        windows[unknown_in].last.processes[process_name][name] = None
    metrics = cell_of(*windows).metrics
    assert metrics["voluntary_switches"] is None
    assert metrics["machine_cpu_s_per_gib"] is None
    assert metrics["server_cpu_s"] == pytest.approx(1.0)


def test_two_samplers_on_one_machine_both_count_unless_one_is_unknown() -> None:
    one = window()
    for edge, cpu_s in ((one.first, 1.0), (one.last, 1.5)):
        edge.processes[LOAD_SAMPLER] = {"cpu_s": cpu_s}
    assert cell_of(one).metrics["sampler_cpu_s"] == pytest.approx(0.51)
    one.last.processes[LOAD_SAMPLER]["cpu_s"] = None
    assert cell_of(one).metrics["sampler_cpu_s"] is None


def test_the_machine_of_the_load_has_figures_of_its_own() -> None:
    one = window()
    for edge, scale in ((one.first, 1.0), (one.last, 3.0)):
        edge.processes[LOAD_SAMPLER] = {"cpu_s": scale}
        edge.processes[LOAD_MACHINE] = {"steal_s": scale, "swapped_bytes": 0.0, "throttled_s": None}
    metrics = cell_of(one).metrics
    assert metrics["sampler_cpu_s"] == pytest.approx(0.01), "the other machine's sampler disturbs no server"
    assert [metrics[fact.name] for fact in BETWEEN_HOSTS] == [2.0, 0.0, None]


@pytest.mark.parametrize("missing", ["sendfile", "load"])
def test_a_missing_process_is_an_error_and_changes_nothing(missing: str) -> None:
    tally, one = Tally("sendfile", FACTS), window()
    tally.add(one)
    before = tally.cell((1, 1), 0.0, Meter())
    without = {name: values for name, values in one.last.processes.items() if name != missing}
    with pytest.raises(KeyError):
        tally.add(replace(one, last=Snapshot(12, without)))
    assert tally.cell((1, 1), 0.0, Meter()) == before


def test_an_idle_server_shows_what_it_used_in_the_slices_of_others() -> None:
    tally = Tally("read-send", FACTS)
    assert tally.cell((1, 1), 0.0, Meter()).metrics["idle_cores"] is None, "nobody else was measured"
    for one in (window(10, 1), window(40, 7)):
        tally.add_idle(one)
    assert tally.cell((1, 1), 0.0, Meter()).metrics["idle_cores"] == pytest.approx(0.01)
    gone = window(50, 9)
    del gone.last.processes["read-send"]
    tally.add_idle(gone)  # its server has ended: that is told elsewhere
    assert tally.cell((1, 1), 0.0, Meter()).metrics["idle_cores"] == pytest.approx(0.01)
    unknown = window(60, 9)
    unknown.last.processes["read-send"]["cpu_s"] = None
    tally.add_idle(unknown)
    assert tally.cell((1, 1), 0.0, Meter()).metrics["idle_cores"] is None


def test_percentiles_need_a_thousand_requests_and_the_histogram_is_always_kept() -> None:
    meter = Meter()
    for number in range(999):
        meter.add_download((number + 1) / 1e6)
    few = cell_of(window(), meter=meter)
    assert few.metrics["latency_p50_us"] is None
    meter.add_download(0.001)
    many = cell_of(window(), meter=meter)
    assert many.metrics["latency_p50_us"] == pytest.approx(500, rel=0.01)
    assert many.metrics["latency_p99_us"] == pytest.approx(990, rel=0.01)
    assert many.downloads == 10, "of the slices, and not of the meter"
    assert HdrHistogram.decode(many.latency_histogram).get_total_count() == 1000


def test_every_number_of_a_cell_has_its_facts() -> None:
    known = {fact.name for fact in (*FACTS, *DERIVED)}
    assert set(cell_of(window()).metrics) <= known


def test_a_load_by_hand_is_what_lies_between_two_edges() -> None:
    edges = (
        Edge(snapshot(100.0, 1), 10.0, received_bytes=5 * GIB, downloads=50),
        Edge(snapshot(102.0, 3), 12.0, received_bytes=9 * GIB, downloads=70),
    )
    meter = Meter()
    meter.add_failure("timed out")
    cell = cell_between(edges, "sendfile", (1, 2), 4.0, meter, FACTS)
    assert (cell.started_s, cell.wall_s, cell.slices) == (6.0, 2.0, 0)
    assert (cell.received_bytes, cell.downloads, cell.failure_names) == (4 * GIB, 20, {"timed out": 1})
    assert cell.metrics["server_cpu_s_per_gib"] == pytest.approx(0.25)


def test_what_several_processes_did_in_a_slice_is_added_up() -> None:
    parts = [
        SliceCounts(0.2, 100, 1, cpu={"cpu_s": 0.5}),
        SliceCounts(0.3, 7, 2, failures=1, late_s=0.1, cpu={"cpu_s": 0.25}, timed_out=True),
    ]
    assert SliceCounts.total(parts) == SliceCounts(0.3, 107, 3, 1, 0.1, {"cpu_s": 0.75}, True)
