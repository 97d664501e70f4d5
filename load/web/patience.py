"""How long no password is looked at, after wrong ones: twice as long from one to the next."""

import time
from collections.abc import Callable

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 16.0


class Patience:
    """For all peers together."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wait_s = FIRST_WAIT_S
        self._until_s = 0.0

    @property
    def left_s(self) -> float:
        return max(0.0, self._until_s - self._clock())

    def note(self, right: bool) -> None:
        """A password was looked at."""
        self._until_s = 0.0 if right else self._clock() + self._wait_s
        self._wait_s = FIRST_WAIT_S if right else min(2 * self._wait_s, LONGEST_WAIT_S)
