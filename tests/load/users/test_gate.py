"""A gate lets the users of a mode make a number of downloads each, and knows when all of them are back."""

import itertools
from types import SimpleNamespace

import gevent
import pytest

from load.users import gate as tested
from load.users.gate import Gate, Turn


def user(gate: Gate, seen: list[int], late_s: float = 0.0) -> gevent.Greenlet:
    """Notes the cycles of each of its turns."""

    def live() -> None:
        while True:
            seen.append(gate.come_back(late_s).cycles)

    return gevent.spawn(live)


def test_a_turn_is_every_users_and_ends_when_all_are_back() -> None:
    gate, seen = Gate(3), list[int]()
    users = [user(gate, seen) for _ in range(2)]
    assert not gate.wait_until_at_rest(0), "the third has not come yet"
    users.append(user(gate, seen))
    assert gate.wait_until_at_rest(1) and seen == []
    for cycles in (5, 2):
        gate.open(cycles)
        assert gate.wait_until_at_rest(1)
    assert seen == [5, 5, 5, 2, 2, 2]
    gevent.killall(users)


def test_a_user_that_never_comes_back_is_told_by_the_time() -> None:
    gate = Gate(2)
    slow = gevent.spawn(lambda: (gate.come_back(), gevent.sleep(100)))
    users = [user(gate, []), slow]
    assert gate.wait_until_at_rest(1)
    gate.open(1)
    assert not gate.wait_until_at_rest(0.01)
    gevent.killall(users)


def test_a_turn_lasts_from_the_opening_to_the_last_user(monkeypatch: pytest.MonkeyPatch) -> None:
    moments_s = itertools.chain([1.0, 10.0, 12.5], itertools.repeat(99.0))
    monkeypatch.setattr(tested, "time", SimpleNamespace(perf_counter=lambda: next(moments_s)))
    gate, turns = Gate(2), list[Turn]()
    users = [gevent.spawn(lambda: turns.append(gate.come_back())), user(gate, [])]
    assert gate.wait_until_at_rest(1)
    gate.open(3)
    users.append(gevent.spawn(gate.come_back, 0.25))
    assert gate.wait_until_at_rest(1)
    assert turns == [Turn(3, opened_s=10.0)]
    assert (gate.wall_s, gate.late_s) == (2.5, 0.25)
    gevent.killall(users)


def test_lateness_is_the_worst_of_one_turn() -> None:
    gate = Gate(2)
    users = [user(gate, [], late_s) for late_s in (0.2, 0.1)]
    assert gate.wait_until_at_rest(1) and gate.late_s == 0.2
    gevent.killall(users)
    users = [gevent.spawn(gate.come_back, late_s) for late_s in (0.0, 0.05)]
    gate.open(1)
    assert gate.wait_until_at_rest(1) and gate.late_s == 0.05
    gevent.killall(users)
