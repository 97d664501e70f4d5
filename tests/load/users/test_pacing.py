"""The pace of users: what is offered, when a download is due, and that no lateness is forgotten (docs/method.md §2)."""

import itertools
import json
import subprocess
import sys

import pytest

from errors import UsageError, UserError
from load.users.pacing import SATURATED, Pace, PaceSpec, format_pace, parse, resolve, start_times
from tests.conftest import PROJECT
from tests.load.fake_server import answering
from units import GIB, KIB, MIB


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("saturated", SATURATED),
        ("auto", PaceSpec(False, "auto")),
        ("both", PaceSpec(True, "auto")),
        ("saturated auto", PaceSpec(True, "auto")),
        ("200MiB/s", PaceSpec(False, 200 * MIB)),
        ("200 MiB/s", PaceSpec(False, 200 * MIB)),
        ("saturated 1.5GiB/s", PaceSpec(True, 1536 * MIB)),
    ],
)
def test_what_is_asked_for_is_read_and_said_again(text: str, asked: PaceSpec) -> None:
    assert parse(text) == asked
    assert parse(format_pace(asked)) == asked


@pytest.mark.parametrize(
    "text", ["", "fast", "200MiB", "200", "auto saturated", "auto 1MiB/s", "1/s", "-1MiB/s", "both x"]
)
def test_what_is_no_pace_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)


def test_auto_is_65_percent_of_the_slowest_in_whole_units() -> None:
    assert resolve("auto", {"a": 2.0 * GIB, "b": 100.0 * MIB + 5}) == 65 * MIB
    assert resolve("auto", {"a": 10.3 * MIB}) == 6855 * KIB
    assert resolve(100 * MIB, {"a": 2.0 * GIB, "b": 100.0 * MIB}) == 100 * MIB


def test_a_rate_that_a_mode_cannot_reach_names_the_mode() -> None:
    with pytest.raises(UserError, match="PACE=101 MiB/s is more than b reaches here, 100 MiB/s"):
        resolve(101 * MIB, {"a": 2.0 * GIB, "b": 100.0 * MIB})
    with pytest.raises(UserError, match="no mode completed its pilot"):
        resolve("auto", {})


def test_users_start_in_turn_and_together_offer_the_rate() -> None:
    pace = Pace(rate_bytes_per_s=10 * MIB, file_bytes=MIB, users=4, begin_s=100.0)
    due = sorted(pace.intended_s(user, number) for user in range(4) for number in range(5))
    assert due == pytest.approx([100.0 + index / 10 for index in range(20)])


def test_a_user_waits_for_its_turn_and_one_that_is_late_skips_none() -> None:
    clock = itertools.chain([0.999, 1.0001], itertools.repeat(7.5))
    turns = start_times(Pace(MIB, MIB, 1, begin_s=1.0), 0, lambda: next(clock))
    assert [next(turns) for _ in range(7)] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]


LATE = """if True:
    import itertools, json, sys, time
    from locust.env import Environment
    from load.users.meter import Meter
    from load.users.pacing import Pace
    from load.users.locust_users import DownloadUser
    LateUser = type("LateUser", (DownloadUser,), {
        "target": "late", "address": ("127.0.0.1", int(sys.argv[1])), "meter": Meter(), "sink": "copy"})
    LateUser.pace = Pace(4, 4, 1, time.perf_counter() - 3)
    environment, seen = Environment(user_classes=[LateUser]), []
    environment.events.request.add_listener(lambda response_time, **_: seen.append(response_time / 1e3))
    user = LateUser(environment)
    user.on_start()
    user.download()
    LateUser.pace = None
    user.on_start()
    user.download()
    print(json.dumps(seen))"""


def test_latency_counts_from_the_intended_start() -> None:
    """For a user that is three seconds late; one without a pace is never late. In a process of its own: locust."""
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd") as address:
        command = [sys.executable, "-c", LATE, str(address[1])]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True, timeout=55)
    paced_s, saturated_s = json.loads(done.stdout)
    assert paced_s > 3 > saturated_s
