"""The users of a round make their downloads in slices, at once or at a pace, and what each slice brought is exact."""

import time
from collections.abc import Callable, Iterator

import gevent
import pytest
from locust.env import Environment

from load.users.locust_users import DownloadUser
from load.users.meter import Meter
from load.users.user_group import UserGroup
from tests.load.fake_server import answering

BODY = b"abcd"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n" + BODY

Classes = list[type[DownloadUser]]
Start = Callable[[Classes, int], None]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts so many users of each class, as Locust would."""
    running: list[gevent.Greenlet] = []

    def started(classes: Classes, users: int) -> None:
        environment = Environment(user_classes=[*classes])
        running.extend(gevent.spawn(one(environment).run) for one in classes for _ in range(users))

    yield started
    gevent.killall(running)


def user_class(name: str, address: tuple[str, int]) -> type[DownloadUser]:
    members = {"target": name, "address": address, "meter": Meter(), "sink": "copy", "expected_bytes": len(BODY)}
    return type(f"{name.capitalize()}User", (DownloadUser,), members)


def test_a_slice_is_as_many_downloads_of_each_user_of_its_mode(start: Start) -> None:
    with answering(ANSWER) as address:
        classes = [user_class("one", address), user_class("other", address)]
        group = UserGroup(classes, 3, None, gated=True)
        assert not group.wait_until_at_rest(0)
        start(classes, 3)
        assert group.wait_until_at_rest(5)
        assert group.counts() == (0, 0), "they connect, and wait"
        for name, cycles in (("one", 2), ("other", 5), ("one", 1)):
            counts = group.run_slice(name, cycles, 20)
            assert (counts.downloads, counts.received_bytes) == (3 * cycles, 3 * cycles * len(BODY))
            assert (counts.failures, counts.timed_out) == (0, False) and counts.wall_s > 0
        assert group.counts() == (24 * len(BODY), 24)
        assert group.meters["one"].latency_us.get_total_count() == 9


def test_users_that_are_still_on_their_way_miss_no_slice(start: Start) -> None:
    """In a worker the message that opens the gate may come first."""
    with answering(ANSWER) as address:
        classes = [user_class("one", address)]
        group = UserGroup(classes, 2, None, gated=True)
        slicing = gevent.spawn(group.run_slice, "one", 1, 20)
        gevent.sleep(0)
        start(classes, 2)
        assert slicing.get(timeout=20).downloads == 2


def test_a_failure_ends_the_turn_of_its_user_and_has_its_name(start: Start) -> None:
    with answering(ANSWER.replace(b"200 OK", b"404 Not Found")) as address:
        classes = [user_class("one", address)]
        group = UserGroup(classes, 2, None, gated=True)
        start(classes, 2)
        counts = group.run_slice("one", 7, 20)
    assert (counts.failures, counts.downloads) == (2, 0)
    assert group.meters["one"].failure_names == {"status 404 Not Found": 2}
    group.reset()
    assert group.meters["one"].failures == 0


def test_a_user_that_never_finishes_ends_its_slice_by_time_out(start: Start) -> None:
    with answering(ANSWER[:-1], then="stall") as address:
        classes = [user_class("one", address)]
        group = UserGroup(classes, 1, None, gated=True)
        start(classes, 1)
        assert group.wait_until_at_rest(5)
        counts = group.run_slice("one", 1, 0.1)
        assert counts.timed_out and counts.wall_s == 0.1
        assert (counts.received_bytes, counts.downloads) == (len(BODY) - 1, 0)
        assert group.run_slice("one", 1, 0.01).timed_out, "it is not opened again while someone is out"


def test_at_a_pace_the_starts_of_a_slice_count_from_its_opening(start: Start) -> None:
    """Six starts 50 ms apart, the users in turn: the last one begins a quarter of a second after the first."""
    with answering(ANSWER) as address:
        classes = [user_class("one", address)]
        group = UserGroup(classes, 2, 20 * len(BODY), gated=True)
        start(classes, 2)
        assert group.wait_until_at_rest(5)
        time.sleep(0.1)  # a pause between slices makes nobody late, and nothing due
        counts = group.run_slice("one", 3, 20)
    assert (counts.downloads, counts.failures) == (6, 0)
    assert counts.wall_s >= 5 * 0.05
    assert 0 < counts.late_s < counts.wall_s


def test_a_slow_server_makes_late_starts_and_latency_counts_from_when_they_were_due(start: Start) -> None:
    with answering(ANSWER, delay_s=0.1) as address:
        classes = [user_class("one", address)]
        group = UserGroup(classes, 1, 100 * len(BODY), gated=True)
        start(classes, 1)
        counts = group.run_slice("one", 4, 20)
    assert counts.late_s >= 3 * 0.1 - 3 * 0.01
    assert group.meters["one"].latency_us.get_max_value() / 1e6 >= 4 * 0.1 - 3 * 0.01 - 0.001


def test_users_without_a_gate_never_wait(start: Start) -> None:
    with answering(ANSWER) as address:
        classes = [user_class("one", address)]
        group = UserGroup(classes, 1, None, gated=False)
        start(classes, 1)
        while group.counts()[1] < 3:
            gevent.sleep(0.01)
    assert group.wait_until_at_rest(0), "nobody is waited for"
