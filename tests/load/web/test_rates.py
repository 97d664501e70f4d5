"""What a chart shows is a difference of counters of one process, and a gap where nobody knows."""

from dataclasses import replace

import pytest

from load.web.rates import COLUMNS, MACHINE_COLUMNS, Counts, Point, Rates, round_point, ticks
from profiles.protocol import TimedSample
from tests.reports import synthetic
from units import GIB, MIB

STEP_S = 0.5


def sample(moment_s: float, process: str = "sendfile", pid: int = 7, **more: float) -> TimedSample:
    """A process that has been busy from moment 0 on: a quarter of a core, four fifths of it in the kernel."""
    values: dict[str, float | None] = {
        "cpu_s": 0.25 * moment_s,
        "user_s": 0.05 * moment_s,
        "system_s": 0.2 * moment_s,
        "voluntary_switches": 100 * moment_s,
        "involuntary_switches": 10 * moment_s,
        "minor_faults": 40 * moment_s,
        "major_faults": 2 * moment_s,
        "rss_bytes": 20 * MIB,
        "threads": 5,
    }
    return TimedSample(moment_s, process, pid, {**values, **more})


def machine(moment_s: float) -> TimedSample:
    values: dict[str, float | None] = {"user_s": moment_s, "system_s": 0.5 * moment_s, "steal_s": 0.1 * moment_s}
    return TimedSample(moment_s, "machine", 0, values)


def counts(moment_s: float) -> Counts:
    return Counts(moment_s, {"sendfile": round(GIB * moment_s)}, {"sendfile": 4})


def follow(moments: list[float], *others: TimedSample) -> list[Point]:
    rates, points = Rates(), []
    for moment_s in moments:
        tick = [sample(moment_s), machine(moment_s), *(one for one in others if one.monotonic_s == moment_s)]
        points.append(rates.point(tick, counts(moment_s - 0.2), counts(moment_s + 0.3)))
    return points


def of(point: Point, process: str = "sendfile") -> dict[str, float | None]:
    return dict(zip(COLUMNS, point.processes[process], strict=True))


def steps(count: int) -> list[float]:
    return [STEP_S * number for number in range(1, count + 1)]


def test_a_rate_is_per_second_and_bytes_are_read_off_at_the_samplers_moment() -> None:
    found = of(follow(steps(8))[-1])
    known = {name: value for name, value in found.items() if value is not None}
    assert known == pytest.approx(
        {
            "user": 0.05,
            "system": 0.2,
            "voluntary": 100,
            "involuntary": 10,
            "faults": 42,
            "memory": 20 * MIB,
            "threads": 5,
            "received": GIB,
            "cost": 0.25,
            "users": 4,
        },
        rel=1e-6,
    )


def test_the_first_sample_of_a_process_has_no_rate_and_no_zero() -> None:
    found = of(follow(steps(1))[0])
    assert {name for name, value in found.items() if value is None} == set(COLUMNS) - {"memory", "threads", "users"}


def test_a_process_that_was_started_again_is_another_one() -> None:
    rates = Rates()
    rates.point([sample(0.5)], counts(0.4), counts(0.6))
    again = rates.point([sample(1.0, pid=8, cpu_s=0.0, user_s=0.0, system_s=0.0)], counts(0.6), counts(1.1))
    assert of(again)["system"] is None


def test_cost_waits_until_a_gib_has_arrived_and_ends_with_the_bytes() -> None:
    points = follow(steps(6))
    assert [of(point)["cost"] is None for point in points] == [True, True, False, False, False, False]
    rates = Rates()
    for moment_s in steps(6):
        rates.point([sample(moment_s)], counts(moment_s - 0.1), counts(moment_s + 0.1))
    stopped = Counts(9.0, counts(3.1).received_bytes)
    over = [rates.point([sample(moment_s)], stopped, stopped) for moment_s in (3.5, 4.0)][-1]
    assert of(over)["cost"] is None and of(over)["received"] == 0


def test_where_bytes_come_slowly_cost_waits_for_half_its_window() -> None:
    """A mode that reads a whole file first has spent much before its first bytes arrive."""
    rates, known = Rates(), []
    for moment_s in steps(14):
        before, after = (
            Counts(moment_s + shift_s, {"sendfile": 10 * MIB * int(moment_s / STEP_S + shift_s)}) for shift_s in (0, 1)
        )
        known.append(of(rates.point([sample(moment_s)], before, after))["cost"] is not None)
    assert known.index(True) in (10, 11) and all(known[11:])


def test_the_machine_has_its_own_columns() -> None:
    last = dict(zip(MACHINE_COLUMNS, follow(steps(3))[-1].machine, strict=True))
    assert last == pytest.approx({"user": 1, "system": 0.5, "steal": 0.1})


def test_what_a_child_had_cost_is_not_the_loads() -> None:
    rates = Rates()
    rates.point([sample(0.5, "load")], counts(0.4), counts(0.6))
    rates.forget("load", 0.8)
    waited = rates.point([sample(1.0, "load", cpu_s=9.0)], counts(0.9), counts(1.1))
    after = rates.point([sample(1.5, "load", cpu_s=9.1)], counts(1.4), counts(1.6))
    assert of(waited, "load")["system"] is None
    assert sum(of(after, "load")[name] or 0.0 for name in ("user", "system")) == pytest.approx(0.2)


def test_the_load_receives_what_all_targets_send() -> None:
    rates = Rates()
    both = [Counts(moment_s, {"a": round(GIB * moment_s), "b": round(GIB * moment_s)}) for moment_s in (0, 1, 2)]
    rates.point([sample(0.5, "load")], both[0], both[1])
    assert of(rates.point([sample(1.5, "load")], both[1], both[2]), "load")["received"] == pytest.approx(2 * GIB)


def test_samples_of_two_agents_make_one_tick_when_they_lie_close() -> None:
    moments = [1.0, 1.0, 1.03, 1.5, 1.53]
    assert [len(tick) for tick in ticks(sample(moment_s) for moment_s in moments)] == [3, 2]


def test_a_round_of_a_campaign_has_the_rates_of_each_modes_own_slices() -> None:
    cells = [synthetic.cell(mode, 1, position) for position, mode in enumerate(("read-send", "sendfile"))]
    halved = replace(cells[1], wall_s=1.0, received_bytes=cells[1].received_bytes // 2)
    point = round_point(7.0, [cells[0], halved], 4, (0.1, 0.2, 0.3))
    found, metrics = of(point), halved.metrics
    assert found["received"] == halved.received_bytes and found["cost"] == metrics["server_cpu_s_per_gib"]
    assert (found["system"], found["users"], found["threads"]) == (metrics["server_system_s"], 4, 5)
    assert found["memory"] == metrics["peak_rss_bytes"]
    assert of(point, "read-send")["received"] == cells[0].received_bytes / 2
    spent_s = sum(cell.metrics["client_user_s"] or 0.0 for cell in cells)
    assert of(point, "load")["user"] == pytest.approx(spent_s / 3.0)
    assert point.machine == (0.1, 0.2, 0.3)


def test_what_a_cell_does_not_know_is_a_gap() -> None:
    unknown = synthetic.bare_cell("sendfile", 1, 1, major_faults=None)
    found = of(round_point(7.0, [unknown, replace(unknown, mode="splice", wall_s=0.0)], 4, (None, None, None)))
    assert found["faults"] is None and found["voluntary"] is not None
