"""What psutil says of a known workload, beside our own reading of it: why it is our own."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from profiles.metrics.own_readings import SwitchCounter, cpu_s, peak_rss_bytes, read_stat
from tests.conftest import eventually

# Two threads that wait 200 times each beside a main thread that waits for them; then all stay.
SWITCHES = """
import threading, time
def switch():
    for _ in range(200):
        time.sleep(0.0001)
    done.release()
    threading.Event().wait()
done = threading.Semaphore(0)
for _ in range(2):
    threading.Thread(target=switch, daemon=True).start()
done.acquire(), done.acquire()
"""
FAULTS = "import mmap; pages = [mmap.mmap(-1, 1 << 12).write(b'x') for _ in range(1000)]"
PEAK = "pages = bytearray(64 << 20); del pages"


@contextmanager
def having_done(code: str) -> Iterator[int]:
    """A process that has run this code, and waits; its PID."""
    command = [sys.executable, "-c", f"{code}\nprint(flush=True)\ninput()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_psutil_counts_the_switches_of_the_main_thread_alone() -> None:
    with having_done(SWITCHES) as pid:
        ours, main_thread = SwitchCounter(pid).read(), psutil.Process(pid).num_ctx_switches()
        # A wait whose time is up before the thread has left its CPU is no switch: not every one of the 400 counts.
        assert ours.voluntary > main_thread.voluntary + 300
        assert ours.involuntary >= main_thread.involuntary


def test_psutil_forgets_what_ended_threads_had_counted() -> None:
    """It says less of our own process afterwards than the thread alone had counted; getrusage() agrees with ours."""
    gate, ready, counter = threading.Event(), threading.Event(), SwitchCounter(os.getpid())

    def switch() -> None:
        for _ in range(2000):  # not every wait is a switch: see above
            time.sleep(0.00001)
        ready.set()
        gate.wait()

    before, psutil_before = counter.read().voluntary, psutil.Process().num_ctx_switches().voluntary
    thread = threading.Thread(target=switch)
    thread.start()
    ready.wait()
    counter.read()
    gate.set()
    thread.join()
    assert counter.read().voluntary - before >= 1000
    assert psutil.Process().num_ctx_switches().voluntary - psutil_before < 1000


def test_psutils_cpu_time_moves_in_ticks_of_10_ms() -> None:
    seen, ticks, until_s = set(), set(), cpu_s(os.getpid()) + 0.1
    while cpu_s(os.getpid()) < until_s:
        times = psutil.Process().cpu_times()
        seen.add(cpu_s(os.getpid()))
        ticks.add(times.user + times.system)
    assert len(ticks) <= 30 < len(seen)
    assert max(ticks) == pytest.approx(max(seen), abs=0.05)


def test_psutil_reads_no_page_faults() -> None:
    with having_done(FAULTS) as pid:
        process = psutil.Process(pid)
        assert not [name for name in (*dir(process), *process.memory_info()._fields) if "fault" in str(name)]
        assert read_stat(pid).minor_faults > 500


def test_psutil_knows_the_resident_memory_but_not_its_peak() -> None:
    with having_done(PEAK) as pid:
        memory = psutil.Process(pid).memory_info()
        assert memory.rss < 64 << 20 <= peak_rss_bytes(pid)
        assert not [name for name in memory._fields if "peak" in name]


def test_a_zombie_has_no_peak() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        eventually(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
        with pytest.raises(psutil.ZombieProcess):
            peak_rss_bytes(process.pid)
