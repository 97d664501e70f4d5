"""Rounds of mirrored slices for what no campaign can compare: other clients, other observers of the same server.

Its rule: as in a campaign (docs/method.md §2, §4): every side is opened afresh in every round, slices are mirrored in a
drawn order, a round's cost is the sum over its slices, and only width and time end it, at looks that were fixed before.
"""

import contextlib
import random
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from itertools import count

from reports.analysis.paired_ratio import looks, paired_ratio

SLICE_S = 0.15
SWEEPS = 6

Slice = Callable[[], tuple[float, float]]  # takes one slice: what it cost, and the bytes that arrived
Side = Callable[[], AbstractContextManager[Slice]]  # opens it for a round
Round = Mapping[str, float]  # cost per byte by side


def measure(sides: Mapping[str, Side], precision: float, most_s: float, most_rounds: int) -> list[Round]:
    """Rounds until the ratio of the first side to the last one is known this well, or the time is up."""
    first, *_, last = sides
    look_at = looks(0.95, most_rounds)
    chance, found, ends_s = random.Random(1), list[Round](), time.monotonic() + most_s
    for number in count(1):
        found.append(_round(sides, chance))
        width = paired_ratio(pairs(found, first, last)).half_width
        if number in look_at and width is not None and width <= precision:
            break
        if number == most_rounds or time.monotonic() >= ends_s:
            break
    return found


def pairs(rounds: list[Round], ours: str, other: str) -> list[tuple[float, float]]:
    return [(costs[ours], costs[other]) for costs in rounds]


def _round(sides: Mapping[str, Side], chance: random.Random) -> Round:
    spent, received = dict.fromkeys(sides, 0.0), dict.fromkeys(sides, 0.0)
    with contextlib.ExitStack() as stack:
        opened = {name: stack.enter_context(side()) for name, side in sides.items()}
        for take in opened.values():  # once, discarded: caches, and threads that are started
            take()
        for _ in range(SWEEPS):
            order = chance.sample(list(sides), len(sides))
            for name in (*order, *order[::-1]):
                cost, count_bytes = opened[name]()
                spent[name] += cost
                received[name] += count_bytes
    return {name: spent[name] / received[name] for name in sides}
