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
            added = {}
            for name, user_class in user_classes.items():
                meter, (received_bytes, downloads, failures) = user_class.meter, sent[name]
                now = meter.received_bytes, meter.downloads, meter.failures
                if now != sent[name]:
                    # Failures start from zero in each test: fewer than before are all new.
                    before = failures if now[2] >= failures else 0
                    added[name] = now[0] - received_bytes, now[1] - downloads, now[2] - before
                    sent[name] = now
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
