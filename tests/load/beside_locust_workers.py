"""A slice over several workers is the exact sum of what each of them received, or its round is void."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from errors import UserError
from load.errors import PeerLostError
from load.users.locust_users import DownloadUser, user_classes, variant_class
from load.users.slice_counts import SliceCounts
from load.users.user_group import UserGroup
from load.workers import master
from load.workers.master import DistributedPool
from load.workers.messages import COUNT, PREPARE, SLICE
from load.workers.samples import WORKER, merge_worker_samples
from load.workers.worker import WorkerRole
from profiles.protocol import LOAD, TimedSample
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
        self.environment = SimpleNamespace(user_classes=list(self.user_classes.values()))
        self.role = WorkerRole(self, self.user_classes)  # type: ignore[arg-type]

    def register_message(self, kind: str, listener: Callable[..., None], concurrent: bool = False) -> None:
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
        self.clients.running, self.clients.ready = [*self.clients.running, *self.clients.ready], []
        for node in self.nodes.values():
            node.user_count = users // len(self.nodes)

    def stop(self) -> None:
        self.user_count = 0
        self.clients.running, self.clients.ready = [], [*self.clients.ready, *self.clients.running]


def named(target: str) -> type[DownloadUser]:
    user_class = next(one for one in user_classes().values() if one.target == target)
    user_class.address, user_class.expected_bytes = ("10.0.0.9", 4242), 1 << 20
    return user_class


def started(
    count: int = 3, rate: int | None = None, classes: Sequence[type[DownloadUser]] = ()
) -> tuple[DistributedPool, Bus]:
    bus = Bus(count)
    pool = DistributedPool(bus, count)  # type: ignore[arg-type]
    pool.start(tuple(classes) or (named("sendfile"),), count * USERS_EACH, rate)
    return pool, bus


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The slices that were asked for; each worker answers with a prime number of bytes more than the one before."""
    asked: list[tuple[str, int]] = []
    sizes = itertools.cycle([7, 49, 343])

    def run_slice(_: UserGroup, name: str, cycles: int, within_s: float) -> SliceCounts:
        asked.append((name, cycles))
        return SliceCounts(wall_s=len(asked) / 10, received_bytes=next(sizes), downloads=1, timed_out=within_s < 1)

    monkeypatch.setattr(UserGroup, "run_slice", run_slice)
    return asked


def test_a_slice_is_summed_over_workers_and_lasts_as_long_as_the_slowest(slices: list[tuple[str, int]]) -> None:
    pool, _ = started()
    counts = pool.run_slice("sendfile", 5, 60.0)
    assert slices == 3 * [("sendfile", 5)]
    assert (counts.received_bytes, counts.downloads, counts.wall_s) == (7 + 49 + 343, 3, 0.3)
    assert set(counts.cpu) == {"cpu_s", "user_s", "system_s"} and counts.cpu["cpu_s"] >= 0
    assert not counts.timed_out and pool.run_slice("sendfile", 5, 0.5).timed_out


def test_failures_and_latencies_are_summed_over_workers_from_the_reset_on() -> None:
    pool, bus = started()
    meters = [node.user_class("sendfile").meter for node in bus.nodes.values()]
    for meter in meters:
        meter.add_failure("in the warm-up")
    pool.reset()
    for number, meter in enumerate(meters, 1):
        for _ in range(number):
            meter.add_download(number / 1000)
        meter.add_failure("timed out")
    (name, meter), *others = pool.meters().items()
    assert (name, others) == ("sendfile", [])
    assert meter.failure_names == {"timed out": 3}
    histogram = meter.latency_us
    assert histogram.get_total_count() == 6
    assert [histogram.get_count_at_value(us) for us in (1000, 2000, 3000)] == [1, 2, 3]


def test_users_that_never_wait_are_counted_as_they_go() -> None:
    pool, bus = started()
    before = pool.counts()
    for node in bus.nodes.values():
        node.user_class("sendfile").meter.add_bytes(11)
    assert pool.counts().received_bytes - before.received_bytes == 33


def test_a_variant_has_users_and_numbers_of_its_own_in_each_worker(slices: list[tuple[str, int]]) -> None:
    base = named("sendfile")
    variant = variant_class(base, "sendfile@chunk=64KiB")
    variant.address = ("10.0.0.9", 4343)
    pool, bus = started(classes=(base, variant))
    for node in bus.nodes.values():
        node.user_class("sendfile").meter.add_failure("status 404 Not Found")
    assert {name: meter.failures for name, meter in pool.meters().items()} == {
        "sendfile": 3, "sendfile@chunk=64KiB": 0,
    }  # fmt: skip
    pool.run_slice("sendfile@chunk=64KiB", 1, 60.0)
    assert slices == 3 * [("sendfile@chunk=64KiB", 1)]


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
        pool.start((named("sendfile"),), 5, None)


def test_a_worker_that_does_not_answer_makes_the_round_void(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master, "ANSWER_TIMEOUT_S", 0.05)
    pool, bus = started()
    bus.nodes["w1"].silent = True
    with pytest.raises(PeerLostError, match="worker w1 did not answer"):
        pool.counts()


def test_a_slice_may_take_longer_than_other_answers(
    slices: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(master, "ANSWER_TIMEOUT_S", 0.05)
    pool, bus = started(1)
    node, handler = bus.nodes["w0"], bus.nodes["w0"].handlers[SLICE]
    monkeypatch.setitem(node.handlers, SLICE, lambda **msg: gevent.spawn_later(0.2, lambda: handler(**msg)))
    assert pool.run_slice("sendfile", 1, 20.0).received_bytes == 7


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
    assert pool.counts().downloads == 0


def test_a_worker_that_locust_misses_makes_the_round_void() -> None:
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
    members = {"target": "unheard-of", "mode": "unheard-of", "address": ("127.0.0.1", 1)}
    unknown = type("Unknown", (DownloadUser,), members)
    with pytest.raises(UserError, match="has no target 'unheard-of'"):
        pool.start((unknown,), 1, None)


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
    assert pool.counts().downloads == 0


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
