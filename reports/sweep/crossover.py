"""Where a curve of ratios crosses 1: below it one mode costs less, above it the other. Pure.

Its rule: it is stated only where points on both sides exclude 1. Between two points the log ratio is taken to be
linear in the log of the axis; that it crosses 1 once is an assumption, and points that contradict it are said.

- The estimate is where the monotone curve nearest to the points' estimates is 1 (isotonic regression, pool adjacent
  violators: Barlow et al., Statistical Inference under Order Restrictions, 1972), interpolated.
- The interval holds every place that no test rejects: where the points' own intervals, interpolated too, hold 1. That
  is the inversion of a test (Fieller 1954; Casella & Berger, 9.2.1), so that one place needs one test, and the many
  points need no correction. Interpolating both ends of two intervals is wider than the interval of what lies between
  them, which is safe. In simulation (8 kinds of 200 sweeps, points chosen as load/sweep/next_point.py does) its nominal
  95 % covered 95 to 99 %, where resampling rounds within points covered 82 to 90 %.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Side = Literal["less", "more", "same", "open", "none"]
CrossoverKind = Literal["crossover", "one side", "same", "several", "unknown"]


@dataclass(frozen=True, slots=True)
class Point:
    """A ratio at a value of the axis (above zero); low and high None: no interval yet. weight: its rounds."""

    value: float
    ratio: float
    low: float | None
    high: float | None
    weight: float = 1.0

    def side(self, delta: float) -> Side:
        """Where the whole interval lies: below 1, above it, within ±delta of it, or neither."""
        if self.low is None or self.high is None:
            return "none"
        if 1 - delta <= self.low and self.high <= 1 + delta:
            return "same"
        return "less" if self.high < 1 else "more" if self.low > 1 else "open"


@dataclass(frozen=True, slots=True)
class Crossover:
    """before: the side on which the ratio lies at the lower end, "less" or "more"; of "one side" it is that side.

    at, low and high: only of a crossover, in units of the axis. decided: the points whose side is known.
    """

    kind: CrossoverKind
    points: tuple[Point, ...]
    before: Side = "none"
    at: float | None = None
    low: float | None = None
    high: float | None = None


def crossover(points: Sequence[Point], delta: float) -> Crossover:
    """points: in any order, each value once. delta: what is too small to matter, as a share."""
    ordered = tuple(sorted(points, key=lambda point: point.value))
    sides = [point.side(delta) for point in ordered]
    clear = [index for index, side in enumerate(sides) if side in ("less", "more")]
    turns = [(a, b) for a, b in itertools.pairwise(clear) if sides[a] != sides[b]]
    if len(turns) == 1:
        return _located(ordered, turns[0], sides[turns[0][0]])
    if turns:
        return Crossover("several", ordered, sides[clear[0]])
    if not ordered or any(side in ("open", "none") for side in sides):
        return Crossover("unknown", ordered, sides[clear[0]] if clear else "none")
    return Crossover("one side", ordered, sides[clear[0]]) if clear else Crossover("same", ordered, "same")


def _located(ordered: tuple[Point, ...], turn: tuple[int, int], before: Side) -> Crossover:
    """Between the two points that are clear; those between them are open, or level with 1."""
    sign = 1.0 if before == "less" else -1.0
    inner = ordered[turn[0] : turn[1] + 1]
    at = _root(inner, _isotonic([sign * math.log(point.ratio) for point in inner], inner))
    known = [point for point in inner if point.low is not None and point.high is not None]
    ends = [sorted((sign * math.log(point.low or 1), sign * math.log(point.high or 1))) for point in known]
    low = _root(known, _running(max, [high for _, high in ends]))
    high = _root(known, _running(min, [low for low, _ in ends][::-1])[::-1])
    return Crossover("crossover", ordered, before, at, min(low, at), max(high, at))


def _isotonic(values: Sequence[float], points: Sequence[Point]) -> list[float]:
    """The rising sequence nearest to the values, by least squares with the points' weights."""
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many
    for value, point in zip(values, points, strict=True):
        block = (value, point.weight, 1)
        while blocks and blocks[-1][0] >= block[0]:
            mean, weight, count = blocks.pop()
            whole = weight + block[1]
            block = ((mean * weight + block[0] * block[1]) / whole, whole, count + block[2])
        blocks.append(block)
    return [mean for mean, _, count in blocks for _ in range(count)]


def _running(choose: Callable[[float, float], float], values: Sequence[float]) -> list[float]:
    found = list(values[:1])
    for value in values[1:]:
        found.append(choose(found[-1], value))
    return found


def _root(points: Sequence[Point], rising: Sequence[float]) -> float:
    """Where a rising curve over the points is 0, in units of the axis; the middle of where it is, on the log scale."""
    first = next(index for index, value in enumerate(rising) if value >= 0)
    if rising[first] == 0:
        last = max(index for index, value in enumerate(rising) if value == 0)
        return math.sqrt(points[first].value * points[last].value)
    if first == 0:
        return points[0].value
    below, above = rising[first - 1], rising[first]
    share = -below / (above - below)
    return float(points[first - 1].value ** (1 - share) * points[first].value ** share)
