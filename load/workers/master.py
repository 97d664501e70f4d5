"""The users of one round in Locust's workers. Locust starts and stops them; this asks the workers what they received.

Its rule: a slice is the sum over all workers, or void. One that does not answer, or was lost, makes the round void, and
no other takes its place.
"""

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import gevent
import msgspec
from gevent.event import Event
from hdrh.histogram import HdrHistogram
from locust.runners import MasterRunner

from errors import UserError
from load.errors import PeerLostError
from load.users.meter import Meter
from load.users.slice_counts import SliceCounts
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
from load.workers.processes import WorkerProcesses
from load.workers.user_pool import Classes, start_users

ANSWER_TIMEOUT_S = 5.0
READY_TIMEOUT_S = 30.0
FIRST_ANSWER_TIMEOUT_S = 0.5

_Message = Callable[[int, int], Prepare | RunSlice | CountRequest]  # made from its number and the worker's index


@dataclass(slots=True)
class _Request:
    """A request to all workers. answers: by worker."""

    number: int
    answers: dict[str, Answer] = field(default_factory=dict)
    complete: Event = field(default_factory=Event)


class DistributedPool:
    """A LocalPool's methods, for users in workers. Each raises PeerLostError where a worker is lost. workers: how many
    there must be. processes: those that were started here, if any."""

    def __init__(self, runner: MasterRunner, workers: int, processes: WorkerProcesses | None = None) -> None:
        self.workers = workers
        self._runner = runner
        self._processes = processes
        self._numbers = itertools.count(1)
        self._ids: tuple[str, ...] = ()
        self._known: set[str] = set()
        self._pids: dict[str, int] = {}
        self._request = _Request(0)
        runner.register_message(ANSWER, self._on_answer)

    def start(self, classes: Classes, users: int, rate: int | None, *, gated: bool = True) -> None:
        if users % self.workers:
            raise UserError(f"{users} users cannot be divided among {self.workers} workers: give a multiple as USERS")
        self.wait_for_workers(READY_TIMEOUT_S)
        modes = tuple(
            PreparedMode(one.target, one.address, one.path, one.tls, one.protocol, one.sink, one.expected_bytes)
            for one in classes
        )
        self._ask(PREPARE, lambda number, index: Prepare(number, modes, rate, users, index, self.workers, gated))
        start_users(self._runner, classes, users)
        wanted = users * len(classes) // self.workers
        shares = [answer.users for answer in self._ask(COUNT, lambda number, _: CountRequest(number)).values()]
        if set(shares) != {wanted}:
            raise PeerLostError(f"the workers have {' + '.join(map(str, shares))} of {wanted * self.workers} users")

    def run_slice(self, name: str, cycles: int, within_s: float) -> SliceCounts:
        return self._total(SLICE, lambda number, _: RunSlice(number, name, cycles, within_s), within_s)

    def reset(self) -> None:
        self._ask(COUNT, lambda number, _: CountRequest(number, reset=True))

    def meters(self) -> Mapping[str, Meter]:
        found: dict[str, Meter] = {}
        for answer in self._ask(COUNT, lambda number, _: CountRequest(number, end=True)).values():
            for name, histogram in answer.histograms.items():
                meter = found.setdefault(name, Meter())
                meter.failure_names.update(answer.failure_names[name])
                meter.latency_us.add(HdrHistogram.decode(histogram))
        return found

    def counts(self) -> SliceCounts:
        return self._total(COUNT, lambda number, _: CountRequest(number))

    def _total(self, kind: str, message: _Message, longer_s: float = 0.0) -> SliceCounts:
        answers = self._ask(kind, message, ANSWER_TIMEOUT_S + longer_s)
        return SliceCounts.total([answer.counts for answer in answers.values()])

    def stop(self) -> None:
        ended = self._ended()
        for worker in [worker for worker, pid in self._pids.items() if pid in ended]:
            # Locust would wait for its users, and later start them elsewhere.
            self._pids.pop(worker)
            if worker in self._runner.clients:
                del self._runner.clients[worker]
        self._runner.stop()

    @property
    def pids(self) -> tuple[int, ...]:
        return self._processes.pids if self._processes else ()

    def check(self) -> None:
        ended = list(self._ended().values())
        present = {client.id for client in (*self._runner.clients.running, *self._runner.clients.spawning)}
        gone = [worker for worker in self._ids if worker not in present]
        if ended or gone:
            raise PeerLostError("; ".join(ended) or f"worker {', '.join(gone)} was lost")

    def recover(self) -> None:
        self.stop()
        if self._processes:
            self._processes.replace_ended()
        self.wait_for_workers(READY_TIMEOUT_S)

    def wait_for_workers(self, within_s: float) -> None:
        """Wait until as many workers are ready as there must be: those of the next round. Raises UserError."""
        deadline_s = time.monotonic() + within_s
        while (ready := len(self._runner.clients.ready)) != self.workers:
            ended = list(self._ended().values())
            if ended or time.monotonic() > deadline_s:
                why = f": {'; '.join(ended)}" if ended else f" within {within_s:.0f} s"
                raise PeerLostError(f"{ready} of {self.workers} workers are ready{why}")
            gevent.sleep(0.02)
        self._ids = tuple(sorted(client.id for client in self._runner.clients.ready))
        while not set(self._ids) <= self._known:  # Locust calls a worker ready a moment before it listens to us
            try:
                self._ask(COUNT, lambda number, _: CountRequest(number), FIRST_ANSWER_TIMEOUT_S)
                self._known = set(self._ids)
            except PeerLostError:
                if time.monotonic() > deadline_s:
                    raise

    def _ask(self, kind: str, message: _Message, within_s: float = ANSWER_TIMEOUT_S) -> dict[str, Answer]:
        """Ask all workers, and wait for all answers. message: makes it from its number and the worker's index.

        Raises PeerLostError where one does not answer, and UserError where one refuses.
        """
        self._request = request = _Request(next(self._numbers))
        for index, worker in enumerate(self._ids):
            self._runner.send_message(kind, msgspec.to_builtins(message(request.number, index)), worker)
        complete = request.complete.wait(within_s)
        for worker, answer in request.answers.items():
            if answer.refusal:
                raise UserError(f"worker {worker} refused: {answer.refusal}")
        if not complete:
            if ended := self._ended():
                raise PeerLostError("; ".join(ended.values()))
            silent = [worker for worker in self._ids if worker not in request.answers]
            raise PeerLostError(f"worker {', '.join(silent)} did not answer within {within_s:g} s")
        self._pids |= {worker: answer.pid for worker, answer in request.answers.items()}
        return {worker: request.answers[worker] for worker in self._ids}

    def _on_answer(self, msg: object, **_: object) -> None:
        worker, request = str(getattr(msg, "node_id", "")), self._request
        try:
            answer = msgspec.convert(getattr(msg, "data", None), Answer)
        except msgspec.ValidationError:
            return  # a peer of another version: it has not answered
        if answer.number in (request.number, UNPARSED) and worker in self._ids:
            request.answers[worker] = answer
            if len(request.answers) == len(self._ids):
                request.complete.set()

    def _ended(self) -> dict[int, str]:
        return self._processes.ended() if self._processes else {}
