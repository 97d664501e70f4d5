"""python -m tests.scale.agents COUNT: so many agents in one process, which pretend to have servers.

Its rule: everything that a master sees is real, the HTTP, the token, the lease and the size of each answer; only that
no server is started. It says its ports, answers until its input ends, and then says what came over each wire.
"""

import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from errors import UserError
from profiles.agent.access import Access, Address
from profiles.agent.http_server import POLL_S, AgentServer
from profiles.agent.lease import Leases
from profiles.agent.sampler import INTERVAL_S
from profiles.agent.service import routes_with_lease
from profiles.metrics.machine import read_machine
from profiles.metrics.process import METRICS
from profiles.protocol import Done, FileState, Machine, Samples, Snapshot, Start, Stop, TargetStatus, TimedSample, Watch

TOKEN = "a-token-for-a-simulation"
TARGET = "sendfile"
METRIC_NAMES = tuple(metric.facts.name for metric in METRICS)
MACHINE = tuple(read_machine())
_TCP_INFO_BYTES = 192
_COUNTS = struct.Struct("=QQII")  # tcpi_bytes_acked, tcpi_bytes_received, tcpi_segs_out, tcpi_segs_in (linux/tcp.h)
_COUNTS_AT = 120
_HEADERS_BYTES = 14 + 20 + 32  # Ethernet, IPv4, TCP with time stamps


class CountedServer(AgentServer):
    """Counts what came and went over each connection, by what the kernel says when it ends; and the connections of
    which it says nothing, so that nobody takes the rest for all."""

    counted: Counter[str]

    def close_request(self, request: Any) -> None:
        try:
            info = request.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
            sent, received, segments_out, segments_in = _COUNTS.unpack_from(info, _COUNTS_AT)
            self.counted["wire_bytes"] += sent + received + _HEADERS_BYTES * (segments_out + segments_in)
        except OSError:
            self.counted["uncounted"] += 1
        super().close_request(request)


class PretendedAgent:
    """Answers as profiles.agent.service.Agent does, of one server that is said to run."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._names = [TARGET, "machine", "sampler"]

    def _values(self, process: str) -> dict[str, float | None]:
        """As many numbers, of as many digits, as a real one has."""
        moved = time.monotonic() - self._began_s
        names = {"machine": MACHINE, "sampler": ("cpu_s",)}.get(process, METRIC_NAMES)
        return {name: round(moved * 1e6) / 1e6 + place for place, name in enumerate(names)}

    def snapshot(self) -> Snapshot:
        return Snapshot(time.monotonic(), {name: self._values(name) for name in self._names})

    def samples(self, after: int) -> Samples:
        last = int((time.monotonic() - self._began_s) / INTERVAL_S) * len(self._names)
        fresh = range(max(after, last - 600), last)
        moment_s, names = time.monotonic(), [self._names[number % len(self._names)] for number in fresh]
        return Samples(last, tuple(TimedSample(moment_s, name, 4242, self._values(name)) for name in names))

    def machine(self, _address: str) -> Machine:
        return Machine("simulated", None, {"cpus": 2, "affinity": "0,1"})

    def file_state(self) -> FileState:
        return FileState(1.0, False)

    drop = file_state

    def start(self, message: Start) -> TargetStatus:
        return TargetStatus(message.target, "running", "127.0.0.1", 8082, 4242, "cubic")

    def stop(self, message: Stop) -> TargetStatus:
        return TargetStatus(message.target, "stopped")

    def statuses(self) -> list[TargetStatus]:
        return [TargetStatus(TARGET, "running", "127.0.0.1", 8082, 4242, "cubic")]

    def watch(self, _: Watch) -> Done:
        return Done()

    def serve_on(self, _address: str) -> None: ...

    def facts(self) -> None:
        raise NotImplementedError

    prove = record = recording = facts


def serve(agent: Any, on_end: Callable[[], None], counted: Counter[str]) -> CountedServer:
    """This agent, on a free port of loopback, in a thread of its own. on_end: called when a lease runs out."""
    leases = Leases(on_end)
    server = CountedServer(Access(Address("127.0.0.1", 0), TOKEN), routes_with_lease(agent, leases), leases.expire)
    server.counted = counted
    threading.Thread(target=partial(server.serve_forever, POLL_S), daemon=True).start()
    return server


def say_what_was_counted(counted: Counter[str]) -> None:
    """Each line of the input asks for it, until the input ends."""
    for _ in sys.stdin:
        print(json.dumps(counted), flush=True)


def said_first(process: "subprocess.Popen[str]") -> Any:
    """What such a process says of its ports when it is ready."""
    assert process.stdout
    return json.loads(process.stdout.readline())


def wire_bytes_so_far(process: "subprocess.Popen[str]") -> int:
    """What came and went over all of its connections that have ended. Raises UserError where some are not in it."""
    assert process.stdin and process.stdout
    process.stdin.write("\n")
    process.stdin.flush()
    counted: Counter[str] = Counter(json.loads(process.stdout.readline()))
    if counted["uncounted"]:
        raise UserError(f"the bytes of {counted['uncounted']} connections could not be counted: run again")
    return counted["wire_bytes"]


def main(count: int) -> None:
    counted: Counter[str] = Counter()
    servers = [serve(PretendedAgent(), lambda: None, counted) for _ in range(count)]
    print(json.dumps([server.port for server in servers]), flush=True)
    say_what_was_counted(counted)


if __name__ == "__main__":
    main(int(sys.argv[1]))
