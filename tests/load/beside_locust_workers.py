"""A cell over several workers is the exact sum of what each of them received, or it is void."""

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
    """A worker's runner: its messages arrive at the master as Locust would deliver them."""

    def __init__(self, name: str, bus: "Bus") -> None:
        self.id = name
        self.bus = bus
        self.user_count = 0
        self.silent = False
        self.handlers: dict[str, Callable[..., None]] = {}
        self.user_classes = user_classes()
        self.role = WorkerRole(self, self.user_classes)  # type: ignore[arg-type]

    def register_message(self, kind: str, listener: Callable[..., None]) -> None:
        self.handlers[kind] = listener

    def send_message(self, kind: str, data: Any) -> None:
        if not self.silent:
            self.bus.handlers[kind](msg=SimpleNamespace(node_id=self.id, data=data), environment=None)

    def user_class(self, target: str) -> type[DownloadUser]:
        return next(one for one in self.user_classes.values() if one.target == target)


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


class InstantAgent(AgentClient):
    """An agent whose snapshot takes no time."""

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
    pool = DistributedPool(bus, count)  # type: ignore[arg-type]
    user_class = next(one for one in user_classes().values() if one.target == "sendfile")
    user_class.address, user_class.expected_bytes = ("10.0.0.9", 4242), 1 << 20
    pool.start(user_class, count * USERS_EACH, rate)
    return pool, bus


def test_bytes_downloads_failures_and_latencies_are_summed_over_workers() -> None:
    pool, bus = started()
    meters = [node.user_class("sendfile").meter for node in bus.nodes.values()]
    for number, meter in enumerate(meters, 1):
        meter.add_bytes(1000 * number)
        meter.add_failure("before the window")
    first = boundary(InstantAgent(), pool, "begin")
    for number, meter in enumerate(meters, 1):
        meter.add_bytes(7**number)
        for _ in range(number):
            meter.add_download(number / 1000)
        meter.add_failure("TimedOutError")
    last = boundary(InstantAgent(), pool, "end")
    assert last.received_bytes - first.received_bytes == 7 + 49 + 343
    assert last.downloads - first.downloads == 6
    assert pool.meter.failure_names == {"TimedOutError": 3}
    histogram = pool.meter.latency_us
    assert histogram.get_total_count() == 6
    assert [histogram.get_count_at_value(us) for us in (1000, 2000, 3000)] == [1, 2, 3]


def test_client_cpu_is_that_of_the_master_and_all_workers() -> None:
    pool, _ = started()
    found = boundary(InstantAgent(), pool, None)
    cpu = found.snapshot.processes[LOAD]
    assert cpu["cpu_s"] == pytest.approx(0.5 + 3 * time.process_time(), rel=0.05)
    assert cpu["rss_bytes"] == 7
    assert 0 < found.uncertainty_s < 1


def test_counts_of_each_worker_are_interpolated_to_the_moment_of_the_snapshot() -> None:
    class Two(DistributedPool):
        """One worker is read early and one late, as over a slow network."""

        readings = itertools.cycle(
            [[Received(9.0, 100, 1), Received(9.9, 1000, 10)], [Received(11.0, 300, 3), Received(10.1, 1200, 12)]]
        )

        def counts(self, mark: Any = None) -> list[Received]:
            return next(self.readings)

    class At10(InstantAgent):
        def read(self) -> TimedSnapshot:
            return TimedSnapshot(Snapshot(55.0, {}), 10.0)

    found = boundary(At10(), Two(Bus(2), 2), None)  # type: ignore[arg-type]
    assert found.received_bytes == pytest.approx(200 + 1100)
    assert found.downloads == pytest.approx(2 + 11)


def test_the_users_of_all_workers_have_different_numbers_at_a_pace() -> None:
    _, bus = started(3, rate=1 << 20)
    classes = [node.user_class("sendfile") for node in bus.nodes.values()]
    numbers = sorted(next(user_class.user_numbers) for user_class in classes for _ in range(USERS_EACH))
    assert numbers == list(range(3 * USERS_EACH))
    assert all(user_class.pace and user_class.pace.users == 6 for user_class in classes)
    assert all(user_class.address == ("10.0.0.9", 4242) for user_class in classes)


def test_users_that_cannot_be_divided_are_refused() -> None:
    pool = DistributedPool(Bus(2), 2)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="5 users cannot be divided among 2 workers"):
        pool.start(next(iter(user_classes().values())), 5, None)


def test_a_worker_that_does_not_answer_makes_the_cell_void(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master, "ANSWER_TIMEOUT_S", 0.05)
    pool, bus = started()
    bus.nodes["w1"].silent = True
    with pytest.raises(PeerLostError, match="worker w1 did not answer"):
        pool.counts()


def test_a_worker_that_is_ready_before_it_listens_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master, "FIRST_ANSWER_TIMEOUT_S", 0.05)
    bus = Bus(2)
    node = bus.nodes["w1"]
    handlers, node.handlers = node.handlers, {}
    send = bus.send_message

    def deaf_at_first(kind: str, data: Any, worker: str) -> None:
        if worker != "w1" or node.handlers:
            send(kind, data, worker)
        elif next(requests) == 2:
            node.handlers = handlers

    requests = itertools.count()
    monkeypatch.setattr(bus, "send_message", deaf_at_first)
    pool = DistributedPool(bus, 2)  # type: ignore[arg-type]
    pool.wait_for_workers(10)
    assert len(pool.counts()) == 2


def test_a_worker_that_locust_misses_makes_the_cell_void() -> None:
    pool, bus = started()
    pool.check()
    bus.clients.running.pop()
    with pytest.raises(PeerLostError, match="worker w2 was lost"):
        pool.check()


def test_a_late_answer_is_not_taken_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master, "ANSWER_TIMEOUT_S", 0.05)
    pool, bus = started(1)
    node, late = bus.nodes["w0"], list[Any]()
    monkeypatch.setattr(node, "send_message", lambda kind, data: late.append((kind, data)))
    with pytest.raises(PeerLostError):
        pool.counts()
    monkeypatch.undo()
    monkeypatch.setattr(master, "ANSWER_TIMEOUT_S", 0.05)
    node.silent = False
    (kind, data) = late[0]
    node.user_class("sendfile").meter.add_bytes(5)
    monkeypatch.setattr(bus, "send_message", lambda *_: Node.send_message(node, kind, data))
    with pytest.raises(PeerLostError):
        pool.counts()


def test_a_worker_without_the_target_refuses() -> None:
    bus = Bus(1)
    pool = DistributedPool(bus, 1)  # type: ignore[arg-type]
    unknown = type("Unknown", (DownloadUser,), {"target": "unheard-of", "address": ("127.0.0.1", 1)})
    with pytest.raises(UserError, match="has no target 'unheard-of'"):
        pool.start(unknown, 1, None)


def test_a_worker_that_cannot_read_a_message_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, bus = started(2)
    node, handler = bus.nodes["w1"], bus.nodes["w1"].handlers[COUNT]

    def of_another_version(msg: Any, environment: Any) -> None:
        handler(SimpleNamespace(node_id="m", data={"id": msg.data["number"]}), environment=environment)

    monkeypatch.setitem(node.handlers, COUNT, of_another_version)
    with pytest.raises(UserError, match="worker w1 refused: it cannot read a message"):
        pool.counts()


def test_the_master_ignores_the_refusal_of_a_message_that_it_did_not_send() -> None:
    pool, bus = started(1)
    node = bus.nodes["w0"]
    node.handlers[PREPARE](msg=SimpleNamespace(node_id="m", data={"number": "x"}), environment=None)
    assert len(pool.counts()) == 1


def test_samples_of_a_load_are_the_sum_of_its_processes() -> None:
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
