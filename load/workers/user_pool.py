"""The users of a round that are in this process. Those of workers can do the same (load/workers/master.py).

Its rule: whoever measures need not know where the users are. A pool starts, stops and counts as one, and when a part of
it is lost the round is void (load/errors.py).
"""

import time
from collections.abc import Callable, Mapping, Sequence

import gevent
from locust.runners import LocalRunner, Runner

from errors import UserError
from load.users.locust_users import DownloadUser
from load.users.meter import Meter
from load.users.slice_counts import SliceCounts
from load.users.user_group import UserGroup

SPAWN_TIMEOUT_S = 10.0

Classes = Sequence[type[DownloadUser]]


class LocalPool:
    """Users of this process, which an agent samples. workers: none. pids: of no workers."""

    workers = 0
    pids: tuple[int, ...] = ()

    def __init__(self, runner: LocalRunner) -> None:
        self._runner = runner
        self._group = UserGroup((), 0, None, gated=False)

    def start(self, classes: Classes, users: int, rate: int | None, *, gated: bool = True) -> None:
        """Start users of each class, and wait until all run; gated ones wait for their slices. rate: bytes per second
        that all users of a class are offered; None for saturated. Raises UserError when they do not start."""
        self._group = UserGroup(classes, users, rate, gated=gated)
        start_users(self._runner, classes, users)
        if not self._group.wait_until_at_rest(SPAWN_TIMEOUT_S):
            raise UserError(f"not all of {users * len(classes)} users came to their gates; ask for fewer")

    def run_slice(self, name: str, cycles: int, within_s: float) -> SliceCounts:
        """Let every user of a mode make this many downloads; what they did."""
        return self._group.run_slice(name, cycles, within_s)

    def reset(self) -> None:
        """Failures and latencies count from here."""
        self._group.reset()

    def meters(self) -> Mapping[str, Meter]:
        """Failures and latencies since the reset, by mode."""
        return self._group.meters

    def counts(self) -> SliceCounts:
        """What users that never wait have received by now."""
        received_bytes, downloads = self._group.counts()
        return SliceCounts(0.0, received_bytes, downloads)

    def stop(self) -> None:
        self._runner.stop()

    def check(self) -> None:
        """This process cannot be lost without the run."""

    def recover(self) -> None:
        """As above."""


def start_users(runner: Runner, classes: Classes, users: int) -> None:
    """One class after the other: so every worker gets an equal share of each. Raises UserError."""
    for number, user_class in enumerate(classes, 1):
        runner.start(number * users, spawn_rate=users, user_classes=[user_class])
        wait_for_users(lambda: runner.user_count, number * users)


def wait_for_users(count: Callable[[], int], wanted: int) -> None:
    """Raises UserError when they do not all start."""
    deadline_s = time.monotonic() + SPAWN_TIMEOUT_S
    while count() < wanted:
        if time.monotonic() > deadline_s:
            raise UserError(f"only {count()} of {wanted} users started; ask for fewer")
        gevent.sleep(0.005)
