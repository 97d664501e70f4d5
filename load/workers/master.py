"""The users of one cell in Locust's workers. Locust starts and stops them; this asks the workers what they received.

Its rule: a cell is the sum over all its workers, or void. Each worker reports at both boundaries of the window. One
that does not answer, or was lost, makes the cell void, and no other takes its place.
"""

import itertools
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

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
from load.workers.messages import ANSWER, COUNT, PREPARE, UNPARSED, Answer, CountRequest, Prepare
from load.workers.processes import WorkerProcesses
from load.workers.user_pool import Mark, Received, wait_for_users

ANSWER_TIMEOUT_S = 5.0
READY_TIMEOUT_S = 30.0
FIRST_ANSWER_TIMEOUT_S = 0.5


@dataclass(slots=True)
class _Request:
    """A request to all workers. answers: by worker, each with the moment at which it came."""

    number: int
    asked_s: float
    answers: dict[str, tuple[float, Answer]] = field(default_factory=dict)
    complete: Event = field(default_factory=Event)


class DistributedPool:
    """A LocalPool's methods, for users in workers. Each raises PeerLostError where a worker is lost. workers: how many
    there must be. processes: those that were started here, if any. meter: of all processes together."""

    def __init__(self, runner: MasterRunner, workers: int, processes: WorkerProcesses | None = None) -> None:
        self.workers = workers
        self._runner = runner
        self._processes = processes
        self._numbers = itertools.count(1)
        self._ids: tuple[str, ...] = ()
        self._clocks: dict[str, Clock] = {}
        self._pids: dict[str, int] = {}
        self._request = _Request(0, 0.0)
        self.meter = Meter()
        runner.register_message(ANSWER, self._on_answer)

    def start(self, user_class: type[DownloadUser], users: int, rate_bytes_per_s: int | None) -> None:
        if users % self.workers:
            raise UserError(f"{users} users cannot be divided among {self.workers} workers: give a multiple as USERS")
        self.wait_for_workers(READY_TIMEOUT_S)

        def prepare(number: int, worker_index: int) -> Prepare:
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
                worker_index=worker_index,
                workers=self.workers,
            )

        self._ask(PREPARE, prepare)
        self._runner.start(users, spawn_rate=users, user_classes=[user_class])
        wait_for_users(lambda: self._runner.user_count, users)
        shares = [answer.users for answer in self._ask(COUNT, lambda number, _: CountRequest(number)).values()]
        if set(shares) != {users // self.workers}:
            raise PeerLostError(f"the workers have {' + '.join(map(str, shares))} of {users} users")

    def stop(self) -> None:
        ended = self._ended()
        for worker in [worker for worker, pid in self._pids.items() if pid in ended]:
            # Locust would wait for its users, and later start them elsewhere.
            self._pids.pop(worker)
            if worker in self._runner.clients:
                del self._runner.clients[worker]
        self._runner.stop()

    def counts(self, mark: Mark = None) -> list[Received]:
        begin, end = mark == "begin", mark == "end"
        answers = self._ask(COUNT, lambda number, _: CountRequest(number, begin, end))
        if end:
            self.meter = Meter()
            for answer in answers.values():
                self.meter.failure_names.update(answer.failure_names)
                self.meter.latency_us.add(HdrHistogram.decode(answer.histogram))
        received = []
        for worker, answer in answers.items():
            clock = self._clocks[worker]
            counts = (clock.ours(answer.monotonic_s), answer.received_bytes, answer.downloads)
            received.append(Received(*counts, clock.uncertainty_s, answer.cpu))
        return received

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
        """Wait until as many workers are ready as there must be: those of the next cell. Raises UserError."""
        deadline_s = time.monotonic() + within_s
        while (ready := len(self._runner.clients.ready)) != self.workers:
            ended = list(self._ended().values())
            if ended or time.monotonic() > deadline_s:
                why = f": {'; '.join(ended)}" if ended else f" within {within_s:.0f} s"
                raise PeerLostError(f"{ready} of {self.workers} workers are ready{why}")
            gevent.sleep(0.02)
        self._ids = tuple(sorted(client.id for client in self._runner.clients.ready))
        all_known = set(self._ids) <= set(self._clocks)
        self._clocks = {worker: self._clocks.get(worker, Clock()) for worker in self._ids}
        while not all_known:  # Locust calls a worker ready a moment before it listens to us
            try:
                self._ask(COUNT, lambda number, _: CountRequest(number), FIRST_ANSWER_TIMEOUT_S)
                all_known = True
            except PeerLostError:
                if time.monotonic() > deadline_s:
                    self._clocks = {}
                    raise

    def _ask(
        self, kind: str, message: Callable[[int, int], Prepare | CountRequest], within_s: float = ANSWER_TIMEOUT_S
    ) -> dict[str, Answer]:
        """Ask all workers, and wait for all answers. message: makes it from its number and the worker's index.

        Raises PeerLostError where one does not answer, and UserError where one refuses.
        """
        self._request = request = _Request(next(self._numbers), time.monotonic())
        for index, worker in enumerate(self._ids):
            self._runner.send_message(kind, asdict(message(request.number, index)), worker)
        complete = request.complete.wait(within_s)
        for worker, (_, answer) in request.answers.items():
            if answer.refusal:
                raise UserError(f"worker {worker} refused: {answer.refusal}")
        if not complete:
            if ended := self._ended():
                raise PeerLostError("; ".join(ended.values()))
            silent = [worker for worker in self._ids if worker not in request.answers]
            raise PeerLostError(f"worker {', '.join(silent)} did not answer within {within_s:g} s")
        for worker, (answered_s, answer) in request.answers.items():
            self._clocks[worker].learn(request.asked_s, answer.monotonic_s, answered_s)
            self._pids[worker] = answer.pid
        return {worker: request.answers[worker][1] for worker in self._ids}

    def _on_answer(self, msg: object, **_: object) -> None:
        answered_s = time.monotonic()
        worker, request = str(getattr(msg, "node_id", "")), self._request
        try:
            answer = msgspec.convert(getattr(msg, "data", None), Answer)
        except msgspec.ValidationError:
            return  # a peer of another version: it has not answered
        if answer.number in (request.number, UNPARSED) and worker in self._ids:
            request.answers[worker] = (answered_s, answer)
            if len(request.answers) == len(self._ids):
                request.complete.set()

    def _ended(self) -> dict[int, str]:
        return self._processes.ended() if self._processes else {}
