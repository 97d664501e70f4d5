"""Which point of a sweep gets the next round: the one that tells most.

Its rule: pure and seeded. It asks, in this order:

1. Where is the curve? Both ends and the middle get a round each, then the middle of the widest gap, until every coarse
   point has one.
2. Is there a crossover? The ends get as many rounds as an interval needs, then the points nearest to 1, then the rest.
3. Where is it? Fine points between two neighbours on different sides of 1.
4. How precisely? The points near 1, the widest interval first, then the others, down to ±5 %; near 1 down to ±δ.

Precision ends the rounds at a point, not significance (docs/method.md §4). "Near" means within twice the half-width, so
that a point gets more rounds when its interval has only just excluded 1. In simulation (the model is in
tests/load/sweep/test_next_point.py; slopes of 0.02 to 0.2, noise of 5 and 10 %) the intervals of points chosen this way
covered 97 % in sweeps of 60 rounds and 94 to 96 % in sweeps of 150.
"""

import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from reports.analysis.paired_ratio import TARGET_HALF_WIDTH, Paired

DELTA = 0.02  # docs/method.md §5
MOST_ROUNDS = 40


@dataclass(frozen=True, slots=True)
class PointState:
    """rounds: complete ones. paired: each mode that is not void, against the baseline."""

    value: int
    coarse: bool = True
    rounds: int = 0
    paired: tuple[Paired, ...] = ()

    @property
    def has_intervals(self) -> bool:
        return bool(self.paired) and all(paired.half_width is not None for paired in self.paired)

    @property
    def distance(self) -> float:
        """How far the nearest ratio is from 1, on the log scale."""
        return min((abs(math.log(paired.ratio)) for paired in self.paired), default=math.inf)


def next_point(states: Sequence[PointState], seed: int, most_rounds: int = MOST_ROUNDS) -> int | None:
    """The value of the point; None when nothing is left to learn. states: ascending."""
    coarse = [state for state in states if state.coarse]
    if unseen := _opening(coarse):
        return unseen.value
    live = [state for state in states if state.rounds < most_rounds and (state.paired or not state.rounds)]
    ends = (states[0].value, states[-1].value)
    for wanted in (
        _without_interval([state for state in live if state.coarse], ends, seed),
        _without_interval([state for state in live if state.value in _crossed(states)], ends, seed),
        _least_precise([state for state in live if state.has_intervals]),
    ):
        if wanted is not None:
            return wanted.value
    return None


def _opening(coarse: Sequence[PointState]) -> PointState | None:
    """The lower end, the upper end, the middle, then the middle of the widest gap (the lower of two)."""
    last = len(coarse) - 1
    seen = [index for index, state in enumerate(coarse) if state.rounds]
    for end in (0, last):
        if end not in seen:
            return coarse[end]
    gaps = [(low, high) for low, high in itertools.pairwise(seen) if high - low > 1]
    if not gaps:
        return None
    low, high = max(gaps, key=lambda gap: (gap[1] - gap[0], -gap[0]))
    return coarse[(low + high) // 2]


def _without_interval(states: Sequence[PointState], ends: tuple[int, int], seed: int) -> PointState | None:
    """Both ends first, then a point that was begun, then the nearest to 1."""

    def urgency(state: PointState) -> tuple[bool, int, float, float]:
        chance = random.Random(f"{seed} {state.value}").random()
        return (state.value not in ends, -state.rounds, state.distance, chance)

    return min((state for state in states if not state.has_intervals), key=urgency, default=None)


def _crossed(states: Sequence[PointState]) -> set[int]:
    """The fine points between neighbouring coarse ones that lie on different sides of 1."""
    crossed: set[int] = set()
    for low, high in itertools.pairwise(state for state in states if state.coarse):
        if any((a.ratio > 1) != (b.ratio > 1) for a, b in zip(low.paired, high.paired, strict=False)):
            crossed |= {state.value for state in states if low.value < state.value < high.value}
    return crossed


def _least_precise(states: Sequence[PointState]) -> PointState | None:
    near = [(width, state) for state in states for paired in state.paired if (width := _width_near_one(paired))]
    wide = [(paired.half_width or 0.0, state) for state in states for paired in state.paired]
    for candidates, target in ((near, TARGET_HALF_WIDTH), (wide, TARGET_HALF_WIDTH), (near, DELTA)):
        width, state = max(candidates, key=lambda item: item[0], default=(0.0, None))
        if width > target:
            return state
    return None


def _width_near_one(paired: Paired) -> float:
    """The half-width, where 1 is within twice of it and the difference is still open; else 0."""
    width, distance = paired.half_width or 0.0, abs(math.log(paired.ratio))
    settled = distance + width < DELTA
    return 0.0 if settled or distance > 2 * width else width
