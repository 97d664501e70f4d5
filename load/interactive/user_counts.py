"""How many users a load by hand has, class by class: what Locust will start, and what really runs.

Its rule: counted while the load runs, ten times a second. A ramp, a LoadTestShape or somebody at the form changes the
number, and nobody can tell it afterwards.
"""

import time
from collections.abc import Callable, Mapping, Sequence

import gevent
from locust.dispatch import UsersDispatcher
from locust.runners import LocalRunner, MasterRunner, Runner, WorkerNode
from locust.user.users import User

from profiles.store.records import UserCount

COUNT_EVERY_S = 0.1

Counts = Mapping[str, int]


def running_users(runner: Runner | None) -> Counts:
    """By class name, here or in all workers; of classes without users it may say nothing."""
    if isinstance(runner, LocalRunner):
        return runner.user_classes_count
    return runner.reported_user_classes_count if isinstance(runner, MasterRunner) else {}


def expected_users(users: int, classes: Sequence[type[User]]) -> Counts:
    """By class name: what Locust makes of so many users, by fixed_count and weight."""
    dispatcher = UsersDispatcher([WorkerNode("any")], [*classes])
    dispatcher.new_dispatch(users, float(max(1, users)))
    counts: Counts = {}
    for dispatched in dispatcher:
        (counts,) = dispatched.values()
    return counts


class CountedUsers:
    """Counts from start() to end(). count: by name, now. most: of all names together, so far."""

    def __init__(self, count: Callable[[], Counts]) -> None:
        self._count = count
        self._user_s: dict[str, float] = {}
        self._most: dict[str, int] = {}
        self.most = 0

    def start(self) -> None:
        self._began_s = self._last_s = time.monotonic()
        self._loop = gevent.spawn(self._run)

    def _run(self) -> None:
        while True:
            gevent.sleep(COUNT_EVERY_S)
            self._look()

    def _look(self) -> None:
        """What is counted now holds since the last look: a load begins as its first users start."""
        moment_s, now = time.monotonic(), self._count()
        for name, users in now.items():
            self._user_s[name] = self._user_s.get(name, 0.0) + users * (moment_s - self._last_s)
            self._most[name] = max(users, self._most.get(name, 0))
        self._last_s, self.most = moment_s, max(self.most, sum(now.values()))

    def end(self) -> dict[str, UserCount]:
        """By name; of those that had a user."""
        self._loop.kill()
        self._look()
        span_s = self._last_s - self._began_s
        return {name: UserCount(self._user_s[name] / span_s, most) for name, most in self._most.items() if most}
