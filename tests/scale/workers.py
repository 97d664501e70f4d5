"""python -m tests.scale.workers COUNT PORT: Locust workers in one process, whose users pretend to download.

Its rule: the connection to the master, the heartbeats, the questions and the answers are Locust's and ours; only the
bytes are made up. It ends when its input does.
"""

import logging
import os
import sys
from typing import Any

import gevent
from gevent.os import tp_read
from locust import constant, task
from locust.env import Environment

from load.users.locust_users import DownloadUser
from load.users.meter import Meter
from load.workers.worker import WorkerRole
from tests.scale.agents import TARGET

DOWNLOAD_BYTES = 1 << 20
EVERY_S = 0.25


def pretending_users() -> dict[str, type[DownloadUser]]:
    """A class of its own for each worker, so that each counts for itself."""

    class PretendingUser(DownloadUser):
        target, address, meter = TARGET, ("127.0.0.1", 0), Meter()
        wait_time = constant(EVERY_S)

        def on_start(self) -> None: ...

        def on_stop(self) -> None: ...

        @task
        def download(self) -> None:
            self.meter.add_bytes(DOWNLOAD_BYTES)
            self.meter.add_download(EVERY_S)

    return {"PretendingUser": PretendingUser}


def main(count: int, port: int) -> None:
    logging.disable()
    runners: list[Any] = []

    def begin() -> None:
        users = pretending_users()
        environment = Environment(user_classes=list(users.values()), stop_timeout=0)
        runner = environment.create_worker_runner("127.0.0.1", port)
        WorkerRole(runner, users)
        runners.append(runner)

    gevent.joinall([gevent.spawn(begin) for _ in range(count)], raise_error=True)
    while tp_read(sys.stdin.fileno(), 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
