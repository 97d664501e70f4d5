"""A worker: runs users of a campaign for a master, on this machine or on another.

    python -m load.workers.worker --port PORT --lifeline FD     as `make load WORKERS=n` starts them
    locust -f locustfile.py --worker --master-host …            the same, started by hand (load/locust_hooks.py)

Its rule: it does what the master asks, and dies with whoever started it.
"""

import argparse
import itertools
import os
import resource
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import gevent
import msgspec
from gevent.os import tp_read
from locust.runners import WorkerRunner

from errors import EXIT_DONE, CommandParser, run_command
from load.users.locust_users import DownloadUser, quiet_environment
from load.users.meter import Meter
from load.workers.messages import ANSWER, COUNT, PREPARE, UNPARSED, Answer, CountRequest, Prepare


class WorkerRole:
    """What one worker does in a campaign. on_prepare: called when a campaign prepares its users."""

    def __init__(
        self,
        runner: WorkerRunner,
        user_classes: dict[str, type[DownloadUser]],
        on_prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self._runner = runner
        self._on_prepare = on_prepare
        self._by_target = {user_class.target: user_class for user_class in user_classes.values()}
        self._meter = Meter()
        runner.register_message(PREPARE, self._answering(Prepare, self._prepare))
        runner.register_message(COUNT, self._answering(CountRequest, self._count))

    def _answering(self, kind: type[Any], handle: Callable[[Any], Answer]) -> Callable[..., None]:
        def on_message(msg: Any, **_: Any) -> None:
            try:
                answer = handle(msgspec.convert(msg.data, kind))
            except msgspec.ValidationError as error:
                refusal = f"it cannot read a message: {error}; do both run the same version?"
                answer = Answer(UNPARSED, time.monotonic(), refusal=refusal)
            self._runner.send_message(ANSWER, asdict(answer))

        return on_message

    def _prepare(self, request: Prepare) -> Answer:
        user_class = self._by_target.get(request.target)
        if user_class is None:
            refusal = f"it has no target {request.target!r}: do both run the same version?"
            return Answer(request.number, time.monotonic(), refusal=refusal)
        user_class.address, user_class.path, user_class.tls = request.address, request.path, request.tls
        user_class.sink, user_class.expected_bytes = request.sink, request.expected_bytes
        numbers = itertools.count(request.worker_index, request.workers)
        user_class.offer(request.rate_bytes_per_s, request.users, numbers)
        self._meter = user_class.meter
        self._on_prepare()
        return self._count(CountRequest(request.number))

    def _count(self, request: CountRequest) -> Answer:
        meter = self._meter
        spent = resource.getrusage(resource.RUSAGE_SELF)
        answer = Answer(
            number=request.number,
            monotonic_s=time.monotonic(),
            pid=os.getpid(),
            received_bytes=meter.received_bytes,
            downloads=meter.downloads,
            users=self._runner.user_count,
            cpu={"cpu_s": time.process_time(), "user_s": spent.ru_utime, "system_s": spent.ru_stime},
            failure_names=dict(meter.failure_names) if request.end else {},
            histogram=meter.latency_us.encode().decode("ascii") if request.end else "",
        )
        if request.begin:
            meter.reset()
        return answer


def main() -> int:
    parser = CommandParser(prog="python -m load.workers.worker", description=str(__doc__).partition("\n")[0])
    parser.add_argument("--port", type=int, required=True, help="the master's, on loopback")
    parser.add_argument("--lifeline", type=int, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--cpus", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.cpus:
        os.sched_setaffinity(0, {int(cpu) for cpu in arguments.cpus.split(",")})
    gevent.spawn(_die_with, arguments.lifeline)
    environment, classes = quiet_environment()
    runner = environment.create_worker_runner("127.0.0.1", arguments.port)
    WorkerRole(runner, classes)
    runner.greenlet.join()
    return EXIT_DONE


def _die_with(lifeline: int) -> None:
    """Exit at once when the pipe closes, whatever the users are doing."""
    while tp_read(lifeline, 1):
        pass
    os._exit(EXIT_DONE)


if __name__ == "__main__":
    run_command(main)
