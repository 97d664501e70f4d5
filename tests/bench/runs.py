"""What the bench runs: servers that stay up, short loads on them, and what one side paid per GiB.

Its rule: a server's cost is read from its CPU clock around the load, a client's from its own; both sides of a contest
face the same peer, on the same CPUs.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from errors import UserError
from load.placement import Placement
from load.server_host import ServerHost
from profiles.metrics import cpu_s
from profiles.protocol import Start
from profiles.targets import PROJECT
from servers.test_file import NAME
from units import GIB

SAMPLED_S = 6.0


def build_floor(folder: Path) -> Path | None:
    """The C floor, compiled; None where there is no compiler. Raises UserError when it does not compile."""
    if shutil.which("cc") is None:
        return None
    program = folder / "floor"
    source = Path(__file__).with_name("floor.c")
    command = ["cc", "-O2", "-Wall", "-Wextra", "-o", str(program), str(source), "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{source.name} does not compile: {done.stderr.strip().splitlines()[-1]}")
    return program


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is up."""

    pid: int
    port: int


@dataclass(frozen=True, slots=True)
class Bench:
    """All loads ask for the same file, with the same number of connections, for the same time."""

    folder: Path
    floor: Path
    seconds: float
    connections: int
    placement: Placement

    def ours(self, mode: str) -> contextlib.AbstractContextManager[Server]:
        command = [sys.executable, "-m", "servers", mode, "--port", "0", "--root", str(self.folder)]
        return _serving(command, self.placement.server_cpus)

    def floors(self, mode: str) -> contextlib.AbstractContextManager[Server]:
        command = [str(self.floor), "serve", mode, "0", str(self.folder / NAME)]
        return _serving(command, self.placement.server_cpus)

    def server_cost(self, server: Server) -> float:
        """The server's CPU seconds per GiB under the C client."""
        before_s = cpu_s(server.pid)
        told = self._told(self._load_command(server.port, self.seconds))
        return (cpu_s(server.pid) - before_s) / (told["received_bytes"] / GIB)

    def floor_client_cost(self, server: Server) -> float:
        """The C client's CPU seconds per GiB."""
        told = self._told(self._load_command(server.port, self.seconds))
        return (told["user_s"] + told["system_s"]) / (told["received_bytes"] / GIB)

    def our_client_cost(self, server: Server) -> float:
        """A Locust user's CPU seconds per GiB."""
        command = [sys.executable, "-m", "tests.bench.locust_client", str(server.port), str(self.connections)]
        told = self._told([*command, str(self.seconds)])
        return told["cpu_s"] / (told["received_bytes"] / GIB)

    def sampler_share(self) -> float:
        """The agent's CPU time per second while it samples a loaded server and this process."""
        host = ServerHost(self.folder)
        try:
            port = host.start(Start("sendfile", any_port=True)).port
            host.watch("load", os.getpid())
            load = subprocess.Popen(self._load_command(port, SAMPLED_S + 2), stdout=subprocess.DEVNULL)
            try:
                first = host.snapshot()
                time.sleep(SAMPLED_S)
                last = host.snapshot()
            finally:
                load.wait()
            spent_s = (last.processes["sampler"]["cpu_s"] or 0) - (first.processes["sampler"]["cpu_s"] or 0)
            return spent_s / (last.monotonic_s - first.monotonic_s)
        finally:
            host.close()

    def _load_command(self, port: int, seconds: float) -> list[str]:
        return [str(self.floor), "load", "127.0.0.1", str(port), f"/{NAME}", str(self.connections), f"{seconds:g}"]

    def _told(self, command: Sequence[str]) -> dict[str, float]:
        with _bound(self.placement.load_cpus):
            done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UserError(f"{' '.join(command[:4])} failed: {done.stderr.strip()}")
        told: dict[str, float] = json.loads(done.stdout)
        return told


@contextlib.contextmanager
def _serving(command: list[str], cpus: tuple[int, ...]) -> Iterator[Server]:
    """A server, ready; ended at the end."""
    with _bound(cpus):
        process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        words = process.stdout.readline().split()
        if words[:1] != ["ready"]:
            raise UserError(f"{' '.join(command[:4])} did not start")
        yield Server(process.pid, int(words[2]))
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def _bound(cpus: tuple[int, ...]) -> Iterator[None]:
    """What is started inside runs on these CPUs: children inherit the mask of the thread that starts them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
