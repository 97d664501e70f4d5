"""The sampler: reads every process at a fixed interval, and at once when asked to (the edges of a window).

Its rule: it runs in a process that is never busy with load, stamps each reading with the moment at which it was taken,
and records its own cost (docs/method.md §1).
"""

import contextlib
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

from profiles.metrics.machine import read_machine
from profiles.metrics.process import GONE, Reader
from profiles.protocol import Samples, Snapshot, TimedSample

INTERVAL_S = 0.5
KEPT_SAMPLES = 60_000  # twice the longest cell that there may be, with four processes twice a second


class Sampler:
    """A thread that samples the processes in readers() until stop() is called."""

    def __init__(self, readers: Callable[[], Mapping[str, Reader]], interval_s: float = INTERVAL_S) -> None:
        self._readers = readers
        self._interval_s = interval_s
        self._lock = threading.Lock()  # a reader is used by one thread at a time
        self._kept: deque[TimedSample] = deque(maxlen=KEPT_SAMPLES)
        self._count = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def snapshot(self) -> Snapshot:
        """Fresh counters of everything, now, without the processes that have ended."""
        with self._lock:
            moment_s = time.monotonic()
            return Snapshot(moment_s, {sample.process: sample.values for sample in self._read_all(moment_s)})

    def after(self, number: int) -> Samples:
        """The samples from this number on, counted from 0 since the start."""
        with self._lock:
            first_kept = self._count - len(self._kept)
            start = max(number, first_kept)
            fresh = tuple(itertools.islice(self._kept, start - first_kept, None))
            return Samples(last=self._count, samples=fresh)

    def newest(self) -> list[TimedSample]:
        """The samples of the last reading; nothing is read for them."""
        with self._lock:
            moment_s = self._kept[-1].monotonic_s if self._kept else 0.0
            last = list(itertools.takewhile(lambda sample: sample.monotonic_s == moment_s, reversed(self._kept)))
        return last[::-1]

    def _run(self) -> None:
        due_s = time.monotonic()
        while not self._stopped.wait(max(0.0, due_s - time.monotonic())):
            with self._lock:
                fresh = self._read_all(time.monotonic())
                self._kept.extend(fresh)
                self._count += len(fresh)
            due_s = max(due_s + self._interval_s, time.monotonic())  # after a late sample no burst

    def _read_all(self, moment_s: float) -> list[TimedSample]:
        fresh = []
        for name, reader in self._readers().items():
            with contextlib.suppress(*GONE):
                fresh.append(TimedSample(moment_s, name, reader.pid, reader.read()))
        fresh.append(TimedSample(moment_s, "machine", 0, read_machine()))
        fresh.append(TimedSample(moment_s, "sampler", 0, {"cpu_s": time.process_time()}))
        return fresh
