"""Another host's clock is known as well as the exchanges allow, and never better."""

import random

import pytest

from load.agent.clock import DRIFT, Clock


def uncertainty_s(clock: Clock) -> float:
    return (clock.high_s - clock.low_s) / 2


def test_an_exchange_bounds_the_difference_from_both_sides() -> None:
    clock = Clock()
    clock.learn(10.0, 1000.25, 10.5)
    assert clock.ours(1000.25) == pytest.approx(10.25)
    assert uncertainty_s(clock) == pytest.approx(0.25)


def test_what_all_exchanges_allow_is_narrower_than_any_of_them() -> None:
    clock = Clock()
    clock.learn(0.0, 100.9, 1.0)  # it answered late: theirs - ours is 99.9 to 100.9
    clock.learn(1.0, 101.1, 2.0)  # and early: 99.1 to 100.1
    assert clock.ours(100.0) == pytest.approx(0.0, abs=1e-3)
    assert uncertainty_s(clock) == pytest.approx(0.1, abs=2 * DRIFT)


@pytest.mark.parametrize("drift", [-4e-4, 0.0, 4e-4])
def test_the_truth_is_always_within_the_bounds(drift: float) -> None:
    """Delays as unequal as they can be, over an hour, while the clocks drift apart."""
    chance, clock, now_s = random.Random(7), Clock(), 0.0
    for _ in range(720):
        now_s += 5.0
        there_s, back_s = chance.expovariate(1000), chance.choice((0.0, 0.2))
        asked_s, moment_s, now_s = now_s, now_s + there_s, now_s + there_s + back_s
        theirs_s = 500.0 + moment_s * (1 + drift)
        clock.learn(asked_s, theirs_s, now_s)
        assert abs(clock.ours(theirs_s) - moment_s) <= uncertainty_s(clock) + 1e-9


def test_a_clock_that_was_set_back_is_learnt_again() -> None:
    clock = Clock()
    clock.learn(0.0, 100.0, 0.001)
    clock.learn(10.0, 20.0, 10.001)
    assert clock.ours(20.0) == pytest.approx(10.0, abs=1e-3)
    assert uncertainty_s(clock) <= 0.0005
