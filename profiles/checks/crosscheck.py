"""Is the CPU time that the score is made of the CPU time that others see?

Its rule: one server, one load, and several accounts of the same work. All of them are opened before the load and read
after it, while the server is idle, so that no edge of a window can part them; getrusage() speaks of the server's whole
life, and is held against the clock's reading of the same.

The server has one CPU to itself and connections enough to be busy all the time. perf stops its clock at another place
of a switch than the scheduler does, so the two part by what the switches cost wherever a server waits and is woken:
of a server that was free to use two CPUs, and switched 28,724 times in 2 s, perf counted 1.17 times as much, of one
with a single peer 0.72 times; of servers that were never idle 0.99 to 1.00 times (perf 6.1's task-clock, Linux 6.18).
Of a server that the kernel's ksoftirqd takes network work from, perf counts that too, and no other account does:
mmap-send, 1.06 times, of which ksoftirqd had used all but 0.2 %.
"""

import contextlib
import http
import http.client
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from errors import UserError
from profiles.checks import cpu_accounting
from profiles.metrics.process import cpu_s
from profiles.protocol import Start
from profiles.store.records import SERVED_PATH
from profiles.targets.catalog import Target
from profiles.targets.http_probe import Endpoint, connection_to
from profiles.targets.mode_server import HOST
from profiles.targets.supervisor import Supervisor

TOLERANCE = 0.02
NOT_BILLED = "beside it: ksoftirqd"  # no account of the server, but of work that nobody bills to it
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
    """What an account says, and the score's clock of the same; or why it says nothing."""

    name: str
    theirs_s: float | None
    ours_s: float | None
    reason: str | None = None

    @property
    def ratio(self) -> float | None:
        return self.theirs_s / self.ours_s if self.theirs_s is not None and self.ours_s else None

    @property
    def agrees(self) -> bool | None:
        return None if self.ratio is None or self.name == NOT_BILLED else abs(self.ratio - 1) <= TOLERANCE


def crosscheck(target: Target, root: Path, seconds: float) -> list[CpuReading]:
    """The accounts of a server under load for some seconds. Raises UserError when it cannot be served or loaded.

    Of one of our modes, which is one process: the other accounts are of a process, and not of a tree.
    """
    if target.guest is not None:
        raise UserError(f"{target.name} is a server of your own, of any number of processes: name modes of ours")
    supervisor = Supervisor({target.name: target}, root)
    with _pin_load() as server_cpus, cpu_accounting.rusage_of_children() as of_children:
        status = supervisor.start(Start(target.name, any_port=True, cpus=server_cpus))
        try:
            found = _windowed(status.pid, lambda: load(target, status.port, seconds))
            life_s = cpu_s(status.pid)
        finally:
            supervisor.stop_all()
        return [*found, CpuReading("getrusage, after its end", of_children(), life_s)]


@contextlib.contextmanager
def _pin_load() -> Iterator[tuple[int, ...]]:
    """The load, which is this thread and those that it starts, on the first CPU allowed; yields the last, the server's.

    Of none where only one is allowed: there the server always has a neighbour, and so no pause either.
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


def _windowed(pid: int, work: Callable[[], None]) -> list[CpuReading]:
    open_ones: dict[str, cpu_accounting.ReadSince] = {}
    found: list[CpuReading] = []
    with contextlib.ExitStack() as stack:
        for name, account in COUNTERS.items():
            try:
                open_ones[name] = stack.enter_context(account(pid))
            except UserError as error:
                found.append(CpuReading(name, None, None, str(error)))
        before_s = cpu_s(pid)
        work()
        ours_s = cpu_s(pid) - before_s
        return [CpuReading(name, close(), ours_s) for name, close in open_ones.items()] + found


def load(target: Target, port: int, seconds: float) -> None:
    """Downloads over a few connections, until the time is over. Raises UserError when one of them fails."""
    place = Endpoint(HOST, port, SERVED_PATH, target.facts.tls is not None)
    until_s = time.monotonic() + seconds
    failures: list[str] = []

    def download() -> None:
        try:
            with contextlib.closing(connection_to(place, _TIMEOUT_S)) as connection:
                while time.monotonic() < until_s:
                    _get(connection, place.path, place.tls)
        except (OSError, http.client.HTTPException) as error:
            failures.append(str(error))

    threads = [threading.Thread(target=download) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise UserError(f"{target.name} did not deliver {place.path}: {failures[0]}")


def _get(connection: http.client.HTTPConnection, path: str, tls: bool) -> None:
    """One download. The kernel discards the body (MSG_TRUNC, tcp(7)), so that the load is never the slower one."""
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
    response.close()  # it takes nothing from the connection, which the next request goes over
