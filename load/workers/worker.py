"""A worker: runs users of a campaign for a master, on this machine or on another.

    python -m load.workers.worker --port PORT --lifeline FD     as `make load WORKERS=n` starts them
    locust -f locustfile.py --worker --master-host …            the same, started by hand (load/locust_hooks.py)

Its rule: it does what the master asks, and dies with whoever started it.
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gevent
import msgspec
from gevent.os import tp_read
from locust.runners import WorkerRunner

from errors import EXIT_DONE, CommandParser, run_command
from load.users.locust_users import DownloadUser, let_locust_know, quiet_environment, variant_class
from load.users.slice_counts import SliceCounts
from load.users.user_group import UserGroup, own_cpu
from load.workers.messages import (
    ANSWER,
    COUNT,
    PREPARE,
    SLICE,
    UNPARSED,
    Answer,
    CountRequest,
    Prepare,
    PreparedMode,
    RunSlice,
)
from profiles.targets.variants import target_of


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
        self._group = UserGroup((), 0, None, gated=False)
        runner.register_message(PREPARE, self._answering(Prepare, self._prepare))
        runner.register_message(SLICE, self._answering(RunSlice, self._run_slice), concurrent=True)
        runner.register_message(COUNT, self._answering(CountRequest, self._count))

    def _answering(self, kind: type[Any], handle: Callable[[Any], Answer]) -> Callable[..., None]:
        def on_message(msg: Any, **_: Any) -> None:
            try:
                answer = handle(msgspec.convert(msg.data, kind))
            except msgspec.ValidationError as error:
                refusal = f"it cannot read a message: {error}; do both run the same version?"
                answer = Answer(UNPARSED, refusal=refusal)
            self._runner.send_message(ANSWER, msgspec.to_builtins(answer))

        return on_message

    def _prepare(self, request: Prepare) -> Answer:
        unknown = [name for mode in request.modes if (name := target_of(mode.name)) not in self._by_target]
        if unknown:
            refusal = f"it has no target {unknown[0]!r}: do both run the same version?"
            return Answer(request.number, refusal=refusal)
        classes = [self._user_class(mode) for mode in request.modes]
        self._group = UserGroup(
            classes,
            request.users // request.workers,
            request.rate_bytes_per_s,
            gated=request.gated,
            of=request.users,
            first=request.worker_index,
            step=request.workers,
        )
        self._on_prepare()
        return self._count(CountRequest(request.number))

    def _user_class(self, mode: PreparedMode) -> type[DownloadUser]:
        user_class = self._by_target.get(mode.name) or variant_class(self._by_target[target_of(mode.name)], mode.name)
        self._by_target[mode.name] = user_class
        user_class.address, user_class.path, user_class.tls = mode.address, mode.path, mode.tls
        user_class.protocol = mode.protocol
        user_class.sink, user_class.expected_bytes = mode.sink, mode.expected_bytes
        let_locust_know(self._runner.environment, [user_class])
        return user_class

    def _run_slice(self, request: RunSlice) -> Answer:
        before = own_cpu()
        counts = self._group.run_slice(request.name, request.cycles, request.within_s)
        spent = {name: value - before[name] for name, value in own_cpu().items()}
        return replace(self._answer(request.number), counts=replace(counts, cpu=spent))

    def _count(self, request: CountRequest) -> Answer:
        received_bytes, downloads = self._group.counts()
        answer = replace(
            self._answer(request.number), counts=SliceCounts(0.0, received_bytes, downloads, cpu=own_cpu())
        )
        meters = self._group.meters if request.end else {}
        if request.reset:
            self._group.reset()
        return replace(
            answer,
            failure_names={name: dict(meter.failure_names) for name, meter in meters.items()},
            histograms={name: meter.latency_us.encode().decode("ascii") for name, meter in meters.items()},
        )

    def _answer(self, number: int) -> Answer:
        return Answer(number, os.getpid(), self._runner.user_count)


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
