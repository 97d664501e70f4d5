"""One load at a time, and what it started ends with it."""

import pytest

from errors import UserError
from profiles.agent.lease import LEASE_S, AgentBusyError, LeaseLostError, Leases


class Time:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class World:
    def __init__(self) -> None:
        self.clock = Time()
        self.ended = 0
        self.leases = Leases(self.end, self.clock)

    def end(self) -> None:
        self.ended += 1


def test_another_load_has_to_wait_and_is_told_for_whom() -> None:
    world = World()
    lease = world.leases.acquire("alpha", "")
    with pytest.raises(AgentBusyError, match="alpha"):
        world.leases.acquire("beta", "")
    world.leases.release(lease)
    assert world.leases.acquire("beta", "")


def test_a_load_that_is_not_heard_of_is_given_up_and_its_servers_end() -> None:
    world = World()
    lease = world.leases.acquire("alpha", "")
    ended = world.ended
    world.clock.now_s += LEASE_S
    with world.leases.held(lease):
        world.clock.now_s += 10 * LEASE_S  # something that takes long is done for it
    world.leases.expire()
    assert world.ended == ended
    world.clock.now_s += LEASE_S + 1
    world.leases.expire()
    assert world.ended == ended + 1
    with pytest.raises(LeaseLostError), world.leases.held(lease):
        raise AssertionError("nothing may be done")
    assert world.leases.acquire("beta", "")


def test_what_took_long_and_failed_costs_no_lease() -> None:
    """As a server does that is not ready within its time."""
    world = World()
    lease = world.leases.acquire("alpha", "")
    with pytest.raises(UserError, match="not ready"), world.leases.held(lease):
        world.clock.now_s += 10 * LEASE_S
        raise UserError("it was not ready")
    with world.leases.held(lease):
        pass


def test_who_lost_the_network_takes_its_own_lease_up_again_with_nothing_running() -> None:
    world = World()
    lease = world.leases.acquire("alpha", "")
    ended = world.ended
    again = world.leases.acquire("alpha", lease)
    assert world.ended == ended + 1
    with world.leases.held(again):
        pass
    with pytest.raises(LeaseLostError), world.leases.held(lease):
        raise AssertionError("the old one is gone")


@pytest.mark.parametrize("given", ["", "wrong", "ü"])
def test_no_lease_is_no_lease(given: str) -> None:
    world = World()
    with pytest.raises(LeaseLostError), world.leases.held(given):
        raise AssertionError("nothing may be done")
    world.leases.acquire("alpha", "")
    with pytest.raises(LeaseLostError), world.leases.held(given):
        raise AssertionError("nothing may be done")
