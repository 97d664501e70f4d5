"""The gate at which the users of one mode wait between its slices (docs/method.md §2).

Its rule: it opens for a number of downloads of each user, and when all of them are back nothing is in flight: that is
the moment at which counters are read.
"""

import time
from dataclasses import dataclass

from gevent.event import AsyncResult, Event


@dataclass(frozen=True, slots=True)
class Turn:
    """One opening. cycles: downloads of each user. opened_s: by time.perf_counter(), from which a pace counts."""

    cycles: int
    opened_s: float


class Gate:
    """late_s: how late the last downloads of a turn began, at a pace. wall_s: from the opening to the last byte."""

    def __init__(self, users: int) -> None:
        self._users = users
        self._back = 0
        self._next: AsyncResult[Turn] = AsyncResult()
        self._at_rest = Event()
        self._opened_s = 0.0
        self.wall_s = 0.0
        self.late_s = 0.0

    def come_back(self, late_s: float = 0.0) -> Turn:
        """What a user calls before its first turn and after each: waits for the next one."""
        self._back += 1
        self.late_s = max(self.late_s, late_s)
        if self._back == self._users:
            self.wall_s = time.perf_counter() - self._opened_s
            self._at_rest.set()
        turn: Turn = self._next.get()
        return turn

    def open(self, cycles: int) -> None:
        self._at_rest.clear()
        self._back, self.late_s = 0, 0.0
        self._opened_s = time.perf_counter()
        opened, self._next = self._next, AsyncResult()
        opened.set(Turn(cycles, self._opened_s))

    def wait_until_at_rest(self, within_s: float) -> bool:
        """Whether all users came back within this time."""
        return bool(self._at_rest.wait(within_s))
