"""The users of one cell in Locust's workers, which Locust starts and stops; what they saw is asked for here.

Its rule: a cell is the sum over all its workers or void. Each worker says at both edges of the window what it has
received by then; a worker that does not answer, or has gone, makes the cell void, and no other stands in for it.
"""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import gevent
import msgspec
from gevent.event import Event
from hdrh.histogram import HdrHistogram
from locust.runners import MasterRunner

from errors import UserError
from load.agent.clock import Clock
from load.errors import PeerLostError
from load.users.locust_users import DownloadUser
from load.users.meter import Meter
from load.workers.messages import ANSWER, COUNT, PREPARE, UNPARSED, Answer, CountRequest, Prepare, decode, encode
from load.workers.processes import WorkerProcesses
from load.workers.user_pool import Mark, Received, UserPool, wait_for_users

ANSWER_TIMEOUT_S = 5.0
READY_TIMEOUT_S = 30.0
HEARD_S = 0.5


@dataclass(slots=True)
class _Question:
    """One that was put to all workers: their answers by id, and when each came."""

    number: int
    asked_s: float
    answers: dict[str, tuple[float, Answer]] = field(default_factory=dict)
    complete: Event = field(default_factory=Event)


class DistributedPool(UserPool):
    """So many workers, which have to be there; processes: those that were started here, if any."""

    def __init__(self, runner: MasterRunner, workers: int, processes: WorkerProcesses | None = None) -> None:
        self.workers = workers
        self._runner = runner
        self._processes = processes
        self._numbers = itertools.count(1)
        self._ids: tuple[str, ...] = ()
        self._clocks: dict[str, Clock] = {}
        self._pids: dict[str, int] = {}
        self._question = _Question(0, 0.0)
        self._meter = Meter()
        runner.register_message(ANSWER, self._told)

    def start(self, user_class: type[DownloadUser], users: int, rate_bytes_per_s: int | None) -> None:
        if users % self.workers:
            raise UserError(f"{users} users cannot be divided among {self.workers} workers: give a multiple as USERS")
        self._gather(READY_TIMEOUT_S)
        self._arm(user_class, users, rate_bytes_per_s)
        self._runner.start(users, spawn_rate=users, user_classes=[user_class])
        wait_for_users(lambda: self._runner.user_count, users)
        shares = [told.users for told in self._ask(COUNT, lambda number, _: CountRequest(number)).values()]
        if set(shares) != {users // self.workers}:
            raise PeerLostError(f"the workers have {' + '.join(map(str, shares))} of {users} users")

    def stop(self) -> None:
        self._forget_ended()
        self._runner.stop()

    def counts(self, mark: Mark = None) -> list[Received]:
        told = self._ask(COUNT, lambda number, _: CountRequest(number, begin=mark == "begin", end=mark == "end"))
        if mark == "end":
            self._meter = _together(list(told.values()))
        return [self._count(worker, answer) for worker, answer in told.items()]

    @property
    def meter(self) -> Meter:
        return self._meter

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
        self._gather(READY_TIMEOUT_S)

    def wait_for_workers(self, within_s: float) -> None:
        """Until all of them have come. Raises UserError."""
        self._gather(within_s)

    def _gather(self, within_s: float) -> None:
        """The workers of the next cell: all that are ready, and as many as there should be."""
        deadline_s = time.monotonic() + within_s
        while (ready := len(self._runner.clients.ready)) != self.workers:
            ended = list(self._ended().values())
            if ended or time.monotonic() > deadline_s:
                why = f": {'; '.join(ended)}" if ended else f" within {within_s:.0f} s"
                raise PeerLostError(f"{ready} of {self.workers} workers are ready{why}")
            gevent.sleep(0.02)
        self._ids = tuple(sorted(client.id for client in self._runner.clients.ready))
        if new := [worker for worker in self._ids if worker not in self._clocks]:
            self._meet(new, deadline_s)
        self._clocks = {worker: self._clocks.get(worker, Clock()) for worker in self._ids}

    def _meet(self, new: list[str], deadline_s: float) -> None:
        """Ask until all have answered once: Locust says that a worker is ready a moment before it listens to us."""
        self._clocks |= {worker: Clock() for worker in new}
        while True:
            try:
                self._ask(COUNT, lambda number, _: CountRequest(number), HEARD_S)
                return
            except PeerLostError:
                if time.monotonic() > deadline_s:
                    self._clocks = {}
                    raise

    def _arm(self, user_class: type[DownloadUser], users: int, rate_bytes_per_s: int | None) -> None:
        def arm(number: int, place: int) -> Prepare:
            return Prepare(
                number=number,
                target=user_class.target,
                address=user_class.address,
                path=user_class.path,
                tls=user_class.tls,
                sink=user_class.sink,
                expected_bytes=user_class.expected_bytes,
                rate_bytes_per_s=rate_bytes_per_s,
                users=users,
                place=place,
                step=self.workers,
            )

        self._ask(PREPARE, arm)

    def _ask(
        self, kind: str, question: Callable[[int, int], Prepare | CountRequest], within_s: float | None = None
    ) -> dict[str, Answer]:
        """Put it to all workers, and wait for all of their answers. question: from its number and the worker's place.

        Raises PeerLostError where one does not answer, and UserError where one refuses.
        """
        self._question = asked = _Question(next(self._numbers), time.monotonic())
        for place, worker in enumerate(self._ids):
            self._runner.send_message(kind, encode(question(asked.number, place)), worker)
        patience_s = ANSWER_TIMEOUT_S if within_s is None else within_s
        complete = asked.complete.wait(patience_s)
        for worker, (_, told) in asked.answers.items():
            if told.refusal:
                raise UserError(f"worker {worker} refused: {told.refusal}")
        if not complete:
            if ended := self._ended():
                raise PeerLostError("; ".join(ended.values()))
            silent = [worker for worker in self._ids if worker not in asked.answers]
            raise PeerLostError(f"worker {', '.join(silent)} did not answer within {patience_s:g} s")
        for worker, (answered_s, told) in asked.answers.items():
            self._clocks[worker].learn(asked.asked_s, told.monotonic_s, answered_s)
            self._pids[worker] = told.pid
        return {worker: asked.answers[worker][1] for worker in self._ids}

    def _told(self, msg: object, **_: object) -> None:
        answered_s = time.monotonic()
        worker, question = str(getattr(msg, "node_id", "")), self._question
        try:
            told = decode(getattr(msg, "data", None), Answer)
        except msgspec.ValidationError:
            return  # a peer of another version: it has not answered
        if told.number in (question.number, UNPARSED) and worker in self._ids:
            question.answers[worker] = (answered_s, told)
            if len(question.answers) == len(self._ids):
                question.complete.set()

    def _count(self, worker: str, told: Answer) -> Received:
        clock = self._clocks[worker]
        moment_s = clock.ours(told.monotonic_s)
        return Received(moment_s, told.received_bytes, told.downloads, clock.uncertainty_s, told.cpu)

    def _forget_ended(self) -> None:
        """Locust would wait for the users of a worker that went without a word, and later start them elsewhere."""
        ended = self._ended()
        for worker in [worker for worker, pid in self._pids.items() if pid in ended]:
            self._pids.pop(worker)
            if worker in self._runner.clients:
                del self._runner.clients[worker]

    def _ended(self) -> dict[int, str]:
        return self._processes.ended() if self._processes else {}


def _together(answers: list[Answer]) -> Meter:
    """The failures and latencies of all workers."""
    meter = Meter()
    for told in answers:
        meter.failure_names.update(told.failure_names)
        meter.latency_us.add(HdrHistogram.decode(told.histogram))
    return meter
