"""Servers as processes of the bench.

Its rule: none outlives the bench. A server reads its standard input, whose writing end is held here alone; nginx,
which does not, is told by the kernel (PR_SET_PDEATHSIG) when the bench's main thread, which starts it, has gone.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from errors import UserError
from profiles.metrics.own_readings import cpu_s
from profiles.targets.catalog import PROJECT

STOP_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is up. pids: of all its processes. congestion: the TCP congestion control in force."""

    pids: tuple[int, ...]
    port: int
    congestion: str

    def cpu_s(self) -> float:
        """CPU seconds that its processes have used."""
        return sum(map(cpu_s, self.pids))


@contextlib.contextmanager
def serving(command: list[str], cpus: tuple[int, ...]) -> Iterator[Server]:
    """A server that says "ready NAME PORT CONGESTION_CONTROL"; ended at the end. Raises UserError when it does not."""
    with bound(cpus):
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
    with process, ended(process):
        assert process.stdout is not None
        words = process.stdout.readline().split()
        if words[:1] != ["ready"]:
            raise UserError(f"{' '.join(command[:4])} did not start")
        yield Server((process.pid,), int(words[2]), words[3])


@contextlib.contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """Whatever happens inside, the process has ended afterwards."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()


@contextlib.contextmanager
def bound(cpus: tuple[int, ...]) -> Iterator[None]:
    """What is started inside runs on these CPUs: children inherit the mask of the thread that starts them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
