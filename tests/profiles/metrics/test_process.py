"""Our counters against getrusage() inside a process: an independent source that counts ended threads too."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import psutil
import pytest

from profiles.metrics import machine
from profiles.metrics.machine import read_machine
from profiles.metrics.own_readings import cpu_s, read_small
from profiles.metrics.process import METRICS, ProcessReader
from tests.conftest import eventually

# A worker on command: each line makes it burn CPU, fault pages in and switch, in threads; then it says its getrusage.
WORKER = """
import json, resource, sys, threading, time
def work():
    until = time.thread_time() + 0.1
    while time.thread_time() < until:
        bytearray(1 << 20)
    for _ in range(300):
        time.sleep(0.0001)
for command in sys.stdin:
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads: thread.start()
    hold = command.strip() == "keep"
    for thread in threads: thread.join()
    if hold:
        gate = threading.Event()
        def waits():
            work(); done.release(); gate.wait()
        done = threading.Semaphore(0)
        for _ in range(3): threading.Thread(target=waits, daemon=True).start()
        for _ in range(3): done.acquire()
    use = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps([use.ru_utime + use.ru_stime, use.ru_nvcsw, use.ru_nivcsw, use.ru_minflt]), flush=True)
"""


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


def told(worker: subprocess.Popen[str], command: str) -> list[float]:
    assert worker.stdin and worker.stdout
    worker.stdin.write(command + "\n")
    worker.stdin.flush()
    answer: list[float] = json.loads(worker.stdout.readline())
    return answer


def test_cpu_and_faults_agree_with_getrusage_ended_threads_included(worker: subprocess.Popen[str]) -> None:
    inside = told(worker, "end")
    values = ProcessReader(worker.pid).read()
    assert values["cpu_s"] == pytest.approx(inside[0], abs=0.02)
    assert values["minor_faults"] == pytest.approx(inside[3], rel=0.02, abs=50)
    assert (values["peak_rss_bytes"] or 0) >= (values["rss_bytes"] or 0) > 1 << 20
    assert (values["user_s"] or 0) + (values["system_s"] or 0) == pytest.approx(inside[0], abs=0.03)


def test_switches_of_all_threads_agree_with_getrusage(worker: subprocess.Popen[str]) -> None:
    reader = ProcessReader(worker.pid)
    before_inside, before = told(worker, "keep"), reader.read()
    after_inside, after = told(worker, "keep"), reader.read()
    threads_of_round = 3 * 300  # the three that stay; those that ended between two readings are not seen
    added_inside = after_inside[1] - before_inside[1]
    added = (after["voluntary_switches"] or 0) - (before["voluntary_switches"] or 0)
    assert threads_of_round <= added <= added_inside + 20
    assert added == pytest.approx(added_inside / 2, rel=0.2)


def test_what_ended_threads_had_counted_when_last_seen_is_kept() -> None:
    reader = ProcessReader(os.getpid())
    gate, ready = threading.Event(), threading.Event()

    def switch() -> None:
        for _ in range(200):
            threading.Event().wait(0.0001)
        ready.set()
        gate.wait()

    thread = threading.Thread(target=switch)
    thread.start()
    ready.wait()
    seen = reader.read()["voluntary_switches"] or 0
    gate.set()
    thread.join()
    assert (reader.read()["voluntary_switches"] or 0) >= seen >= 200


def test_counters_never_go_down() -> None:
    reader = ProcessReader(os.getpid())
    counters = [metric.facts.name for metric in METRICS if metric.facts.kind == "counter"]
    readings = [reader.read() for _ in range(5)]
    for earlier, later in pairwise(readings):
        assert all((earlier[name] or 0) <= (later[name] or 0) for name in counters)


def test_a_process_that_has_done_nothing_is_not_read_again(
    worker: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has not run when its CPU clock, of nanoseconds, stands still."""
    reader, read = ProcessReader(worker.pid), ProcessReader._read
    told(worker, "end")
    eventually(lambda: reader.read()["cpu_s"] == cpu_s(worker.pid))
    monkeypatch.setattr(ProcessReader, "_read", lambda *_: pytest.fail("it was read again"))
    idle = [reader.read() for _ in range(3)]
    assert idle == [idle[0]] * 3
    monkeypatch.setattr(ProcessReader, "_read", read)
    told(worker, "end")
    worked = reader.read()
    assert (worked["cpu_s"] or 0) > (idle[0]["cpu_s"] or 0)
    assert (worked["voluntary_switches"] or 0) > (idle[0]["voluntary_switches"] or 0)


def test_a_process_that_is_stopped_is_seen_so(worker: subprocess.Popen[str]) -> None:
    reader = ProcessReader(worker.pid)
    told(worker, "end")
    assert reader.read()["stopped_s"] == 0
    worker.send_signal(signal.SIGSTOP)
    eventually(lambda: psutil.Process(worker.pid).status() == "stopped")
    began_s = time.monotonic()
    reader.read()
    eventually(lambda: time.monotonic() - began_s > 0.1)
    stopped_s = reader.read()["stopped_s"] or 0
    assert stopped_s > 0.1
    worker.send_signal(signal.SIGCONT)
    told(worker, "end")
    assert reader.read()["stopped_s"] == stopped_s


def test_the_cpu_clock_is_finer_than_a_tick() -> None:
    start_s = cpu_s(os.getpid())
    while cpu_s(os.getpid()) == start_s:
        pass
    assert 0 < cpu_s(os.getpid()) - start_s < 0.01


def test_a_process_that_is_gone_is_an_error() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    with pytest.raises(ProcessLookupError):
        cpu_s(process.pid)


def test_names_are_unique_and_the_machine_is_counted() -> None:
    assert len({metric.facts.name for metric in METRICS}) == len(METRICS)
    machine = read_machine()
    assert (machine["user_s"] or 0) > 0 and (machine["idle_s"] or 0) > 0


def test_where_the_kernel_does_not_count_swapping_it_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_machine()["swapped_bytes"] == sum(psutil.swap_memory()[4:6])
    monkeypatch.setattr(machine, "read_small", lambda path: read_small(path).replace(b"pswp", b"other"))
    assert read_machine()["swapped_bytes"] is None
