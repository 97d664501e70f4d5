"""Locust's workers report what they receive to the master twice a second, for live charts and records.

Its rule: a message holds what was added since the last one, never a total: a worker that restarts counts from zero.
"""

from typing import Any

import gevent
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from load.users.locust_users import DownloadUser

MESSAGE = "bench-counts"
INTERVAL_S = 0.5


def send_counts(runner: WorkerRunner, user_classes: dict[str, type[DownloadUser]]) -> None:
    """In a worker: report from now on, in a greenlet of its own."""

    def report() -> None:
        sent = dict.fromkeys(user_classes, (0, 0, 0))
        while True:
            gevent.sleep(INTERVAL_S)
            now = {name: _counts(user_class) for name, user_class in user_classes.items()}
            added = {name: _difference(now[name], sent[name]) for name in user_classes if now[name] != sent[name]}
            sent = now
            if added:
                runner.send_message(MESSAGE, added)

    gevent.spawn(report)


def receive_counts(environment: Environment, user_classes: dict[str, type[DownloadUser]]) -> None:
    """In the master, which downloads nothing itself: add what workers report to its meters."""

    def add(msg: Any, **_: Any) -> None:
        for name, (received_bytes, downloads, failures) in msg.data.items():
            meter = user_classes[name].meter
            meter.add_bytes(received_bytes)
            meter.downloads += downloads
            if failures:
                meter.failure_names["in a worker"] += failures

    if isinstance(environment.runner, MasterRunner):
        environment.runner.register_message(MESSAGE, add)


def _counts(user_class: type[DownloadUser]) -> tuple[int, int, int]:
    meter = user_class.meter
    return meter.received_bytes, meter.downloads, meter.failures


def _difference(now: tuple[int, int, int], before: tuple[int, int, int]) -> tuple[int, int, int]:
    """Failures start from zero in each test, so that fewer than before are all new."""
    failures = now[2] - before[2] if now[2] >= before[2] else now[2]
    return now[0] - before[0], now[1] - before[1], failures
