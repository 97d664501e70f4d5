"""Sides are opened afresh in every round, slices are mirrored, and rounds end once the ratio is known."""

import contextlib
import random
from collections.abc import Iterator
from functools import partial

import pytest

from tests.bench.paired_slices import SWEEPS, Side, Slice, measure, pairs

log: list[str] = []


@contextlib.contextmanager
def side(name: str, cost: float, scatter: float = 0.0) -> Iterator[Slice]:
    chance = random.Random(len(log))
    log.append(f"open {name}")

    def take() -> tuple[float, float]:
        log.append(name)
        return 1000 * cost * chance.lognormvariate(0, scatter), 1000.0

    yield take
    log.append(f"close {name}")


@pytest.fixture(autouse=True)
def empty_log() -> None:
    log.clear()


def test_a_round_is_mirrored_sweeps_of_fresh_sides() -> None:
    sides: dict[str, Side] = {"A": partial(side, "A", 2.0), "B": partial(side, "B", 1.0)}
    rounds = measure(sides, 0.04, 60.0, 1)
    assert rounds == [{"A": pytest.approx(2.0), "B": pytest.approx(1.0)}]
    opened, warm_up, turns, closed = log[:2], log[2:4], log[4:-2], log[-2:]
    assert (opened, warm_up, closed) == (["open A", "open B"], ["A", "B"], ["close B", "close A"])
    sweeps = ["".join(turns[at : at + 4]) for at in range(0, len(turns), 4)]
    assert len(sweeps) == SWEEPS and set(sweeps) == {"ABBA", "BAAB"}


def test_rounds_end_at_the_first_look_that_is_precise() -> None:
    sides: dict[str, Side] = {"A": partial(side, "A", 1.1, 0.02), "B": partial(side, "B", 1.0, 0.02)}
    rounds = measure(sides, 0.04, 60.0, 24)
    assert len(rounds) == 9 and all(ours > other for ours, other in pairs(rounds, "A", "B"))


def test_rounds_end_when_the_time_is_up() -> None:
    sides: dict[str, Side] = {"A": partial(side, "A", 1.0, 0.5), "B": partial(side, "B", 1.0, 0.5)}
    assert len(measure(sides, 0.001, 0.0, 24)) == 1
    assert len(measure(sides, 0.001, 60.0, 24)) == 24
