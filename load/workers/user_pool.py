"""The users of one cell that are in this process. Those of workers can do the same (load/workers/master.py).

Its rule: whoever measures a cell need not know where they are. A pool starts, stops and counts as one, and when a part
of it is lost the cell is void (load/errors.py).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import gevent
from locust.runners import LocalRunner

from errors import UserError
from load.users.locust_users import DownloadUser
from load.users.meter import Meter

SPAWN_TIMEOUT_S = 10.0

Mark = Literal["begin", "end"] | None


@dataclass(frozen=True, slots=True)
class Received:
    """What the users of one process had received at a moment of our monotonic clock (± uncertainty_s).

    cpu: its CPU seconds by metric name; empty for this process, which an agent samples.
    """

    moment_s: float
    received_bytes: int
    downloads: int
    uncertainty_s: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)


class LocalPool:
    """Users of this process, which an agent samples. workers: none. pids: of no workers. meter: failures and latencies
    between begin and end."""

    workers = 0
    pids: tuple[int, ...] = ()

    def __init__(self, runner: LocalRunner) -> None:
        self._runner = runner
        self.meter = Meter()

    def start(self, user_class: type[DownloadUser], users: int, rate_bytes_per_s: int | None) -> None:
        """Start users and wait until all run. rate_bytes_per_s: of all together; None for saturated.

        Raises UserError when they do not start.
        """
        self.meter = user_class.meter
        user_class.offer(rate_bytes_per_s, users)
        self._runner.start(users, spawn_rate=users, user_classes=[user_class])
        wait_for_users(lambda: self._runner.user_count, users)

    def stop(self) -> None:
        self._runner.stop()

    def counts(self, mark: Mark = None) -> list[Received]:
        """What each process has received by now. begin: failures and latencies count from here; end: until here."""
        if mark == "begin":
            self.meter.reset()
        return [read_meter(self.meter)]

    def check(self) -> None:
        """This process cannot be lost without the run."""

    def recover(self) -> None:
        """As above."""


def read_meter(meter: Meter) -> Received:
    return Received(time.monotonic(), meter.received_bytes, meter.downloads)


def wait_for_users(count: Callable[[], int], wanted: int) -> None:
    """Raises UserError when they do not all start."""
    deadline_s = time.monotonic() + SPAWN_TIMEOUT_S
    while count() < wanted:
        if time.monotonic() > deadline_s:
            raise UserError(f"only {count()} of {wanted} users started; ask for fewer")
        gevent.sleep(0.01)
