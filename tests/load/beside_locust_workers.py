"""A cell over several workers is the exact sum of what each of them saw, or it is void."""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from errors import UserError
from load.agent.client import AgentClient, TimedSnapshot
from load.campaign.window_edges import boundary
from load.errors import PeerLostError
from load.users.locust_users import DownloadUser, user_classes
from load.workers import master
from load.workers.master import DistributedPool
from load.workers.messages import COUNT, PREPARE
from load.workers.samples import WORKER, merge_worker_samples
from load.workers.user_pool import Received
from load.workers.worker import WorkerRole
from profiles.protocol import LOAD, Snapshot, TimedSample
from tests.conftest import PROJECT, eventually

USERS_EACH = 2


class Node:
    """A worker's runner: what it sends arrives at the master as from Locust."""

    def __init__(self, name: str, bus: "Bus") -> None:
        self.id = name
        self.bus = bus
        self.user_count = 0
        self.silent = False
        self.handlers: dict[str, Callable[..., None]] = {}
        self.users = user_classes()
        self.part = WorkerRole(self, self.users)  # type: ignore[arg-type]

    def register_message(self, kind: str, listener: Callable[..., None]) -> None:
        self.handlers[kind] = listener

    def send_message(self, kind: str, data: Any) -> None:
        if not self.silent:
            self.bus.handlers[kind](msg=SimpleNamespace(node_id=self.id, data=data), environment=None)

    def of(self, target: str) -> type[DownloadUser]:
        return next(one for one in self.users.values() if one.target == target)


class Bus:
    """A master's runner, with its workers in this process."""

    def __init__(self, count: int) -> None:
        self.handlers: dict[str, Callable[..., None]] = {}
        self.nodes = {f"w{number}": Node(f"w{number}", self) for number in range(count)}
        self.clients = SimpleNamespace(ready=list(self.nodes.values()), running=[], spawning=[])
        self.user_count = 0

    def register_message(self, kind: str, listener: Callable[..., None]) -> None:
        self.handlers[kind] = listener

    def send_message(self, kind: str, data: Any, worker: str) -> None:
        node = self.nodes[worker]
        node.handlers[kind](msg=SimpleNamespace(node_id=worker, data=data), environment=None)

    def start(self, users: int, **_: Any) -> None:
        self.user_count = users
        self.clients.running, self.clients.ready = self.clients.ready, []
        for node in self.nodes.values():
            node.user_count = users // len(self.nodes)

    def stop(self) -> None:
        self.user_count = 0
        self.clients.running, self.clients.ready = [], [*self.clients.ready, *self.clients.running]


class StillHost(AgentClient):
    """An agent whose snapshot takes no time, and shows what it is told to."""

    def read(self) -> TimedSnapshot:
        now_s = time.monotonic()
        load: dict[str, float | None] = {"cpu_s": 0.5, "user_s": 0.25, "system_s": 0.25, "rss_bytes": 7.0}
        return TimedSnapshot(Snapshot(now_s, {LOAD: load}), now_s)

    def close(self) -> None: ...

    def _connection(self, path: str) -> Any: ...

    def _headers(self) -> dict[str, str]:
        return {}

    def _no_answer_error(self, what: str, error: Exception) -> UserError:
        return UserError(what)


def started(count: int = 3, rate: int | None = None) -> tuple[DistributedPool, Bus]:
    bus = Bus(count)
    crowd = DistributedPool(bus, count)  # type: ignore[arg-type]
    user_class = next(one for one in user_classes().values() if one.target == "sendfile")
    user_class.address, user_class.expected_bytes = ("10.0.0.9", 4242), 1 << 20
    crowd.start(user_class, count * USERS_EACH, rate)
    return crowd, bus


def test_bytes_downloads_failures_and_latencies_are_summed_over_workers() -> None:
    crowd, bus = started()
    meters = [node.of("sendfile").meter for node in bus.nodes.values()]
    for number, meter in enumerate(meters, 1):
        meter.add_bytes(1000 * number)
        meter.add_failure("before the window")
    first = boundary(StillHost(), crowd, "begin")
    for number, meter in enumerate(meters, 1):
        meter.add_bytes(7**number)
        for _ in range(number):
            meter.add_download(number / 1000)
        meter.add_failure("TimedOutError")
    last = boundary(StillHost(), crowd, "end")
    assert last.received_bytes - first.received_bytes == 7 + 49 + 343
    assert last.downloads - first.downloads == 6
    assert crowd.meter.failure_names == {"TimedOutError": 3}
    histogram = crowd.meter.latency_us
    assert histogram.get_total_count() == 6
    assert [histogram.get_count_at_value(us) for us in (1000, 2000, 3000)] == [1, 2, 3]


def test_the_clients_cpu_is_that_of_all_workers_and_of_who_directs_them() -> None:
    crowd, _ = started()
    edge = boundary(StillHost(), crowd, None)
    spent = edge.snapshot.processes[LOAD]
    assert spent["cpu_s"] == pytest.approx(0.5 + 3 * time.process_time(), rel=0.05)
    assert spent["rss_bytes"] == 7
    assert 0 < edge.uncertainty_s < 1


def test_what_a_worker_had_at_the_snapshots_moment_is_told_by_its_own_readings() -> None:
    class Two(DistributedPool):
        """One worker is read early and one late, as over a slow network."""

        readings = itertools.cycle(
            [[Received(9.0, 100, 1), Received(9.9, 1000, 10)], [Received(11.0, 300, 3), Received(10.1, 1200, 12)]]
        )

        def counts(self, mark: Any = None) -> list[Received]:
            return next(self.readings)

    class At10(StillHost):
        def read(self) -> TimedSnapshot:
            return TimedSnapshot(Snapshot(55.0, {}), 10.0)

    edge = boundary(At10(), Two(Bus(2), 2), None)  # type: ignore[arg-type]
    assert edge.received_bytes == pytest.approx(200 + 1100)
    assert edge.downloads == pytest.approx(2 + 11)


def test_the_turns_of_a_pace_are_divided_so_that_each_is_taken_once() -> None:
    _, bus = started(3, rate=1 << 20)
    turns = [node.of("sendfile") for node in bus.nodes.values()]
    taken = sorted(next(user_class.places) for user_class in turns for _ in range(USERS_EACH))
    assert taken == list(range(3 * USERS_EACH))
    assert all(user_class.pace and user_class.pace.users == 6 for user_class in turns)
    assert all(user_class.address == ("10.0.0.9", 4242) for user_class in turns)


def test_users_that_cannot_be_divided_are_refused() -> None:
    crowd = DistributedPool(Bus(2), 2)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="5 users cannot be divided among 2 workers"):
        crowd.start(next(iter(user_classes().values())), 5, None)


def test_a_worker_that_does_not_answer_makes_the_cell_void(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master, "ANSWER_TIMEOUT_S", 0.05)
    crowd, bus = started()
    bus.nodes["w1"].silent = True
    with pytest.raises(PeerLostError, match="worker w1 did not answer"):
        crowd.counts()


def test_a_worker_that_listens_later_than_it_is_ready_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master, "HEARD_S", 0.05)
    bus = Bus(2)
    node = bus.nodes["w1"]
    handlers, node.handlers = node.handlers, {}
    send = bus.send_message

    def deaf_at_first(kind: str, data: Any, worker: str) -> None:
        if worker != "w1" or node.handlers:
            send(kind, data, worker)
        elif next(asked) == 2:
            node.handlers = handlers

    asked = itertools.count()
    monkeypatch.setattr(bus, "send_message", deaf_at_first)
    crowd = DistributedPool(bus, 2)  # type: ignore[arg-type]
    crowd.wait_for_workers(10)
    assert len(crowd.counts()) == 2


def test_a_worker_that_locust_misses_makes_the_cell_void() -> None:
    crowd, bus = started()
    crowd.check()
    bus.clients.running.pop()
    with pytest.raises(PeerLostError, match="worker w2 was lost"):
        crowd.check()


def test_an_answer_that_comes_too_late_is_not_taken_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master, "ANSWER_TIMEOUT_S", 0.05)
    crowd, bus = started(1)
    node, late = bus.nodes["w0"], list[Any]()
    monkeypatch.setattr(node, "send_message", lambda kind, data: late.append((kind, data)))
    with pytest.raises(PeerLostError):
        crowd.counts()
    monkeypatch.undo()
    monkeypatch.setattr(master, "ANSWER_TIMEOUT_S", 0.05)
    node.silent = False
    (kind, data) = late[0]
    node.of("sendfile").meter.add_bytes(5)
    monkeypatch.setattr(bus, "send_message", lambda *_: Node.send_message(node, kind, data))
    with pytest.raises(PeerLostError):
        crowd.counts()


def test_a_worker_that_knows_no_such_target_says_so() -> None:
    bus = Bus(1)
    crowd = DistributedPool(bus, 1)  # type: ignore[arg-type]
    unknown = type("Unknown", (DownloadUser,), {"target": "unheard-of", "address": ("127.0.0.1", 1)})
    with pytest.raises(UserError, match="knows no target 'unheard-of'"):
        crowd.start(unknown, 1, None)


def test_a_worker_that_does_not_understand_is_no_silent_one(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd, bus = started(2)
    node, understood = bus.nodes["w1"], bus.nodes["w1"].handlers[COUNT]

    def of_another_version(msg: Any, environment: Any) -> None:
        understood(SimpleNamespace(node_id="m", data={"id": msg.data["number"]}), environment=environment)

    monkeypatch.setitem(node.handlers, COUNT, of_another_version)
    with pytest.raises(UserError, match="worker w1 refused: a message was not understood"):
        crowd.counts()


def test_nonsense_is_refused_by_a_worker_and_overheard_by_the_master() -> None:
    crowd, bus = started(1)
    node = bus.nodes["w0"]
    node.handlers[PREPARE](msg=SimpleNamespace(node_id="m", data={"number": "x"}), environment=None)
    assert len(crowd.counts()) == 1


def test_in_the_samples_a_load_is_the_sum_of_its_processes() -> None:
    def sample(moment_s: float, process: str, pid: int, cpu_s: float | None) -> TimedSample:
        return TimedSample(moment_s, process, pid, {"cpu_s": cpu_s})

    samples = [
        sample(1.0, "sendfile", 9, 0.5),
        sample(1.0, LOAD, 3, 1.0),
        sample(1.0, f"{WORKER}1", 5, 10.0),
        sample(1.0, f"{WORKER}2", 4, 100.0),
        sample(2.0, LOAD, 3, 2.0),
        sample(3.0, f"{WORKER}1", 5, None),
        sample(3.0, LOAD, 3, 3.0),
    ]
    assert list(merge_worker_samples(samples)) == [
        sample(1.0, "sendfile", 9, 0.5),
        sample(1.0, LOAD, 5, 111.0),
        sample(2.0, LOAD, 3, 2.0),
        sample(3.0, LOAD, 5, None),
    ]


def test_a_worker_dies_with_who_started_it() -> None:
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "load.workers.worker", "--port", "1", "--lifeline", str(reading)]
    process = subprocess.Popen(command, cwd=PROJECT, pass_fds=[reading], stdin=subprocess.DEVNULL)
    os.close(reading)
    gevent.sleep(0)
    assert process.poll() is None
    os.close(writing)
    eventually(lambda: process.poll() is not None)
    assert process.returncode == 0
