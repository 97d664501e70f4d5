"""A worker: users of a campaign that another process directs, on this machine or on another.

    python -m load.workers.worker --port PORT --lifeline FD     as `make load WORKERS=n` starts them
    locust -f locustfile.py --worker --master-host …    does the same, started by hand (load/locust_hooks.py)

Its rule: it does what it is told, says what it counted when it is asked, and dies with whoever started it.
"""

import argparse
import itertools
import logging
import os
import resource
import time
from collections.abc import Callable
from typing import Any

import gevent
import msgspec
from gevent.os import tp_read
from locust.env import Environment
from locust.runners import WorkerRunner

from errors import EXIT_DONE, CommandParser, run_command
from load.process import raise_limit_on_files
from load.users.locust_users import DownloadUser, user_classes
from load.users.meter import Meter
from load.users.pacing import Pace
from load.workers.messages import ANSWER, COUNT, PREPARE, UNPARSED, Answer, CountRequest, Prepare, decode, encode


class WorkerRole:
    """What one worker does in a campaign. on_arm: called when its users are told what to do at their next start."""

    def __init__(
        self,
        runner: WorkerRunner,
        user_classes: dict[str, type[DownloadUser]],
        on_arm: Callable[[], None] = lambda: None,
    ) -> None:
        self._runner = runner
        self._on_arm = on_arm
        self._users = {user_class.target: user_class for user_class in user_classes.values()}
        self._meter = Meter()
        runner.register_message(PREPARE, self._answering(Prepare, self._arm))
        runner.register_message(COUNT, self._answering(CountRequest, self._count))

    def _answering(self, kind: type[Any], deed: Callable[[Any], Answer]) -> Callable[..., None]:
        def answer(msg: Any, **_: Any) -> None:
            try:
                told = deed(decode(msg.data, kind))
            except msgspec.ValidationError as error:
                said = f"a message was not understood: {error}; is it of the same version?"
                told = Answer(UNPARSED, time.monotonic(), refusal=said)
            self._runner.send_message(ANSWER, encode(told))

        return answer

    def _arm(self, arm: Prepare) -> Answer:
        user_class = self._users.get(arm.target)
        if user_class is None:
            return Answer(arm.number, time.monotonic(), refusal=f"it knows no target {arm.target!r}: is it up to date?")
        user_class.address, user_class.path, user_class.tls = arm.address, arm.path, arm.tls
        user_class.sink, user_class.expected_bytes = arm.sink, arm.expected_bytes
        rate, size_bytes, begin_s = arm.rate_bytes_per_s, arm.expected_bytes or 0, time.perf_counter()
        pace = None if rate is None else Pace(rate, size_bytes, arm.users, begin_s)
        user_class.offer(pace, itertools.count(arm.place, arm.step))
        self._meter = user_class.meter
        self._on_arm()
        return self._count(CountRequest(arm.number))

    def _count(self, asked: CountRequest) -> Answer:
        meter = self._meter
        spent = resource.getrusage(resource.RUSAGE_SELF)
        told = Answer(
            number=asked.number,
            monotonic_s=time.monotonic(),
            pid=os.getpid(),
            received_bytes=meter.received_bytes,
            downloads=meter.downloads,
            users=self._runner.user_count,
            cpu={"cpu_s": time.process_time(), "user_s": spent.ru_utime, "system_s": spent.ru_stime},
            failure_names=dict(meter.failure_names) if asked.end else {},
            histogram=meter.latency_us.encode().decode("ascii") if asked.end else "",
        )
        if asked.begin:
            meter.reset()
        return told


def main() -> int:
    parser = CommandParser(prog="python -m load.workers.worker", description=str(__doc__).partition("\n")[0])
    parser.add_argument("--port", type=int, required=True, help="of the master, on loopback")
    parser.add_argument("--lifeline", type=int, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--cpus", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.cpus:
        os.sched_setaffinity(0, {int(cpu) for cpu in arguments.cpus.split(",")})
    raise_limit_on_files()
    logging.getLogger("locust").setLevel(logging.ERROR)
    gevent.spawn(_die_with, arguments.lifeline)
    users = user_classes()
    environment = Environment(user_classes=list(users.values()), stop_timeout=0)
    runner = environment.create_worker_runner("127.0.0.1", arguments.port)
    WorkerRole(runner, users)
    runner.greenlet.join()
    return EXIT_DONE


def _die_with(lifeline: int) -> None:
    """At once, whatever the users are doing: nobody wants to know what they count any more."""
    while tp_read(lifeline, 1):
        pass
    os._exit(EXIT_DONE)


if __name__ == "__main__":
    run_command(main)
