"""Where curves cross that are known to: stated when they do, with an interval that holds the place."""

import math
import random

import pytest

from reports.analysis.paired_ratio import paired_ratio
from reports.sweep.crossover import Point, crossover
from units import KIB

SIZES = tuple(4.0 * KIB * 4**step for step in range(10))
DELTA = 0.02


def points(*ratios: tuple[float, float], spread: float = 1.03) -> list[Point]:
    return [Point(value, ratio, ratio / spread, ratio * spread, 6) for value, ratio in ratios]


def test_it_lies_where_the_line_between_two_points_is_1() -> None:
    found = crossover(points((4 * KIB, 1.25), (16 * KIB, 0.8)), DELTA)
    assert (found.kind, found.before) == ("crossover", "more")
    assert found.at == pytest.approx(8 * KIB)
    assert found.low is not None and found.high is not None
    assert 4 * KIB < found.low < 8 * KIB < found.high < 16 * KIB
    assert found.low * found.high == pytest.approx((8 * KIB) ** 2)


def test_turned_round_it_lies_in_the_same_place() -> None:
    there = crossover(points((1, 1.5), (2, 1.2), (4, 0.9), (8, 0.7)), DELTA)
    back = crossover(points((1, 1 / 1.5), (2, 1 / 1.2), (4, 1 / 0.9), (8, 1 / 0.7)), DELTA)
    assert (there.before, back.before) == ("more", "less")
    assert (back.at, back.low, back.high) == pytest.approx((there.at, there.low, there.high))


def test_points_that_are_open_lie_inside_the_interval() -> None:
    found = crossover(points((1, 1.4), (2, 1.01), (4, 1.0), (8, 0.98), (16, 0.6)), DELTA)
    assert found.low is not None and found.high is not None
    assert found.kind == "crossover"
    assert found.low < 2 and found.high > 8


def test_a_point_without_an_interval_moves_the_estimate_but_not_the_interval() -> None:
    sure = points((1, 1.4), (16, 0.7))
    without, more = crossover(sure, DELTA), crossover([*sure, Point(4, 1.005, None, None)], DELTA)
    assert (more.low, more.high) == (without.low, without.high)
    assert more.at is not None and without.at is not None and more.at > without.at


def test_one_side_is_no_crossover_also_where_some_points_are_level() -> None:
    found = crossover(points((1, 0.9), (4, 0.7), (16, 0.6)), DELTA)
    assert (found.kind, found.before, found.at) == ("one side", "less", None)
    level = [Point(1, 1.0, 0.99, 1.01), *points((4, 0.7))]
    assert crossover(level, DELTA).kind == "one side"
    assert crossover([Point(1, 1.0, 0.99, 1.01), Point(2, 1.0, 0.985, 1.01)], DELTA).kind == "same"


def test_nothing_is_stated_before_both_sides_exclude_1() -> None:
    assert crossover(points((4, 1.02), (16, 0.7)), DELTA).kind == "unknown"
    assert crossover([Point(4, 1.3, None, None), *points((16, 0.7))], DELTA).kind == "unknown"
    assert crossover([], DELTA).kind == "unknown"


def test_curves_that_cross_twice_are_said_to() -> None:
    assert crossover(points((1, 1.3), (4, 0.7), (16, 1.3)), DELTA).kind == "several"


def test_the_interval_holds_the_truth_in_about_95_of_100_sweeps() -> None:
    """A straight log ratio, 8 rounds a point, noise of 6 % with spikes; 98.8 % in 2,000 sweeps."""
    stated = held = 0
    for seed in range(120):
        chance = random.Random(seed)
        where = math.exp(chance.uniform(math.log(SIZES[1]), math.log(SIZES[-2])))
        found = crossover([_measured(value, where, chance) for value in SIZES], DELTA)
        if found.kind == "crossover":
            assert found.low is not None and found.high is not None
            stated += 1
            held += found.low <= where <= found.high
    assert stated > 100
    assert held / stated > 0.9


def _measured(value: float, where: float, chance: random.Random) -> Point:
    true = 0.1 * math.log(where / value)
    noise = [chance.gauss(0, 0.06) * (4 if chance.random() < 0.05 else 1) for _ in range(8)]
    found = paired_ratio([(math.exp(true + error), 1.0) for error in noise])
    return Point(value, found.ratio, found.low, found.high, 8)
