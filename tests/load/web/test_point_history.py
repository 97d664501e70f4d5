"""An hour of history is bounded, is never asked for twice, and says what a browser has missed."""

import json
from typing import Any

from load.web.point_history import COARSE_POINTS, FINE_POINTS, STEP, PointHistory, mean
from load.web.rates import COLUMNS, Point

WALL_S = 1_795_000_000.0


def point(number: int, cores: float | None = 1.0) -> Point:
    values = tuple(cores if name == "system" else 0.0 for name in COLUMNS)
    return Point(0.5 * number, {"sendfile": values}, (0.1, 0.2, 0.0))


def filled(count: int) -> PointHistory:
    history = PointHistory(WALL_S)
    for number in range(count):
        history.add(point(number))
    return history


def asked(history: PointHistory, epoch: str = "", fine: int = -1, coarse: int = -1) -> Any:
    return json.loads(history.since(epoch, fine, coarse))


def test_a_new_browser_gets_everything_and_then_only_what_is_new() -> None:
    history = filled(25)
    first = asked(history)
    assert (len(first["fine"]), len(first["coarse"]), first["last"]) == (25, 2, [25, 2])
    assert first["fine"][3]["t"] == WALL_S + 1.5
    history.add(point(25))
    more = asked(history, first["epoch"], *first["last"])
    assert [one["t"] for one in more["fine"]] == [WALL_S + 12.5] and more["coarse"] == []
    assert asked(history, first["epoch"], *more["last"])["fine"] == []


def test_numbers_of_a_bench_that_was_started_again_mean_nothing() -> None:
    before, after = filled(40), filled(12)
    known = asked(before)
    assert len(asked(after, known["epoch"], *known["last"])["fine"]) == 12
    assert len(asked(after, asked(after)["epoch"], 4000, 4000)["fine"]) == 12


def test_it_does_not_grow_without_bound() -> None:
    full = asked(filled(STEP * (COARSE_POINTS + 50)))
    assert (len(full["fine"]), len(full["coarse"])) == (FINE_POINTS, COARSE_POINTS)
    span_s = full["coarse"][-1]["t"] - full["coarse"][0]["t"]
    assert span_s == (COARSE_POINTS - 1) * STEP * 0.5 >= 3500


def test_a_mean_is_of_what_is_known() -> None:
    several = mean([point(1, 1.0), point(2, None), point(3, 3.0)])
    assert dict(zip(COLUMNS, several.processes["sendfile"], strict=True))["system"] == 2.0
    assert several.moment_s == 1.5
    nothing = mean([point(1, None), point(2, None)])
    assert dict(zip(COLUMNS, nothing.processes["sendfile"], strict=True))["system"] is None


def test_a_round_of_a_campaign_is_one_point_of_every_range_and_is_never_averaged() -> None:
    history = filled(STEP + 3)
    before = asked(history)
    for number, cores in ((40, 0.2), (60, 0.4)):
        history.add_round(point(number, cores))
    more = asked(history, before["epoch"], *before["last"])
    system = COLUMNS.index("system")
    assert [one["p"]["sendfile"][system] for one in more["fine"]] == [0.2, 0.4]
    assert [one["p"]["sendfile"][system] for one in more["coarse"]] == [1, 0.2, 0.4]  # the first: of what came before
    assert more["last"] == [STEP + 5, 4]
    for number in range(STEP):
        history.add(point(200 + number))
    assert len(asked(history, more["epoch"], *more["last"])["coarse"]) == 1
