"""Compares the CPU time that the score is made of with what other counters say of the same work.

All counters are opened before the load and read after it, while the server is idle, so that they count the same window;
getrusage() covers the server's whole life, its end too, and is compared with the score's clock over the same.

The server has a CPU to itself and enough connections to be busy all the time. perf stops its clock at another point of
a context switch than the scheduler does, so where a server waits and is woken the two differ by what the switches cost:
perf counted 1.17 times as much for a server on two CPUs that switched 28,724 times in 2 s, 0.72 times for one with a
single peer, and 0.99 to 1.00 times for servers that were never idle (perf 6.1's task-clock, Linux 6.18). Network work
that ksoftirqd does for a server is counted by perf alone: 1.06 times for mmap-send, all but 0.2 % of it ksoftirqd's.
"""

import contextlib
import http
import http.client
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from errors import UserError
from profiles.checks import cpu_accounting
from profiles.metrics.own_readings import cpu_s
from profiles.protocol import Start
from profiles.store.run_facts import SERVED_PATH
from profiles.targets.catalog import Target
from profiles.targets.http_probe import Endpoint, connect
from profiles.targets.mode_server import HOST
from profiles.targets.supervisor import Supervisor

TOLERANCE = 0.02
ENOUGH_S = 1.0  # of CPU time
NOT_BILLED = "beside it: ksoftirqd"  # no count of the server, but of work that is billed to no process
CONNECTIONS = 4
_TIMEOUT_S = 30.0
_BUFFER_BYTES = 1 << 20
COUNTERS = {
    "ticks of /proc/PID/stat": cpu_accounting.ticks,
    "perf stat": cpu_accounting.perf_stat,
    "control group": cpu_accounting.control_group,
    NOT_BILLED: cpu_accounting.ksoftirqd,
}


@dataclass(frozen=True, slots=True)
class CpuReading:
    """What a counter says, and the score's clock for the same work; or the reason why it says nothing."""

    name: str
    theirs_s: float | None
    ours_s: float | None
    reason: str | None = None

    @property
    def ratio(self) -> float | None:
        return self.theirs_s / self.ours_s if self.theirs_s is not None and self.ours_s else None

    @property
    def agrees(self) -> bool | None:
        """None where it cannot be judged: a tick of 10 ms at either end is within the tolerance from ENOUGH_S on."""
        if self.ratio is None or self.name == NOT_BILLED or not self.ours_s or self.ours_s < ENOUGH_S:
            return None
        return abs(self.ratio - 1) <= TOLERANCE


def crosscheck(target: Target, root: Path, seconds: float) -> list[CpuReading]:
    """All counters of a mode's server under load. Raises UserError when it cannot be served or loaded.

    Modes only: they are one process each, and the other counters are of a process, not of a tree.
    """
    if target.external is not None:
        raise UserError(f"{target.name} is a server of your own, of any number of processes: name our modes")
    supervisor = Supervisor({target.name: target}, root)
    with _pin_load() as server_cpus:
        status = supervisor.start(Start(target.name, any_port=True, cpus=server_cpus))
        try:
            found = _count(status.pid, lambda: drive(target, status.port, seconds))
            waited_for_s = cpu_accounting.rusage_of_children()  # from now on: perf was waited for, too
            life_s = _life_s(status.pid)
        finally:
            supervisor.close()
        return [*found, CpuReading("getrusage, after its end", waited_for_s(), life_s)]


def _life_s(pid: int) -> float:
    """End a process, and read its clock before it is waited for: with all that its end cost, as getrusage(2) has it."""
    os.kill(pid, signal.SIGTERM)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # a zombie keeps its clock until it is waited for
    return cpu_s(pid)


@contextlib.contextmanager
def _pin_load() -> Iterator[tuple[int, ...]]:
    """Pin the load, this thread and those that it starts, to the first CPU; yields the last one, for the server.

    Yields none where only one CPU is allowed: there the server shares it, and so has no pause either.
    """
    allowed = os.sched_getaffinity(0)
    if len(allowed) < 2:
        yield ()
        return
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield (max(allowed),)
    finally:
        os.sched_setaffinity(0, allowed)


def _count(pid: int, work: Callable[[], None]) -> list[CpuReading]:
    """All COUNTERS of a process during the work; those that cannot be had come last."""
    opened: dict[str, cpu_accounting.ReadSince] = {}
    missing: list[CpuReading] = []
    with contextlib.ExitStack() as stack:
        for name, counter in COUNTERS.items():
            try:
                opened[name] = stack.enter_context(counter(pid))
            except UserError as error:
                missing.append(CpuReading(name, None, None, str(error)))
        before_s = cpu_s(pid)
        work()
        ours_s = cpu_s(pid) - before_s
        return [CpuReading(name, read(), ours_s) for name, read in opened.items()] + missing


def drive(target: Target, port: int, seconds: float) -> None:
    """Download over a few connections until the time is over. Raises UserError when a download fails."""
    endpoint = Endpoint(HOST, port, SERVED_PATH, target.facts.tls is not None)
    until_s = time.monotonic() + seconds

    def download(_: int) -> None:
        with contextlib.closing(connect(endpoint, _TIMEOUT_S)) as connection:
            while time.monotonic() < until_s:
                _download(connection, endpoint.path, endpoint.tls)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        try:
            list(pool.map(download, range(CONNECTIONS)))
        except (OSError, http.client.HTTPException) as error:
            raise UserError(f"{target.name} did not deliver {endpoint.path}: {error}") from error


def _download(connection: http.client.HTTPConnection, path: str, tls: bool) -> None:
    """The kernel discards the body (MSG_TRUNC, tcp(7)), so that the load is never the slower side."""
    connection.request("GET", path)
    response = connection.getresponse()
    if response.status != http.HTTPStatus.OK or response.length is None:
        raise http.client.HTTPException(f"status {response.status}")
    response.read1(_BUFFER_BYTES)  # what came with the head
    left, buffer, flags = response.length, bytearray(_BUFFER_BYTES), 0 if tls else socket.MSG_TRUNC
    while left:
        got = connection.sock.recv_into(buffer, min(left, _BUFFER_BYTES), flags)
        if not got:
            raise http.client.IncompleteRead(b"", left)
        left -= got
    response.close()  # the connection stays open for the next request
