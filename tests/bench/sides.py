"""One side of a contest, and what it paid: servers that stay up, short loads on them, CPU clocks read around the load.

Its rule: a server's cost is read from the CPU clocks of all its processes around the load, a client's from its own;
every side faces the same kind of peer, on the same CPUs, with the same number of connections, for the same time.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from errors import UserError
from load.campaign.cpu_pinning import Placement, choose
from profiles.targets.catalog import PROJECT
from servers import payload
from tests.bench import nginx
from tests.bench.processes import Server, bound, serving
from units import GIB

Payer = Literal["server", "C client", "Locust user", "all, one process", "all, one worker", "all, two workers"]
# Who downloads with Locust's users, and over how many workers they are spread.
_WORKERS = {"Locust user": 0, "all, one process": 0, "all, one worker": 1, "all, two workers": 2}


@dataclass(frozen=True, slots=True, order=True)
class Side:
    """What is measured once in a round. path: our mode, the C floor's or bare Python's, a
    configuration of nginx (nginx.PATHS), or the share that burning_server.py burns."""

    program: Literal["ours", "C", "nginx", "bare", "burning"]
    path: str
    size_bytes: int
    pinned: bool = True
    payer: Payer = "server"

    def __str__(self) -> str:
        return f"{self.program} {self.path}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What one load cost the side that is looked at, and what came of it. wall_s: of the load."""

    cpu_s: float
    received_bytes: float
    requests: float
    wall_s: float

    def cpu_s_per_gib(self) -> float:
        return self.cpu_s / (self.received_bytes / GIB)

    def cpu_us_per_request(self) -> float:
        return self.cpu_s * 1e6 / self.requests

    def requests_per_s(self) -> float:
        return self.requests / self.wall_s

    def busy(self) -> float:
        """How much of a CPU it used: 1 is one core."""
        return self.cpu_s / self.wall_s


def build_floor(folder: Path) -> Path:
    """The C floor, compiled. Raises UserError where there is no compiler, or it does not compile."""
    if shutil.which("cc") is None:
        raise UserError("there is no C compiler here, and so no floor: install one that answers to `cc`")
    program = folder / "floor"
    source = Path(__file__).with_name("floor.c")
    command = ["cc", "-O2", "-Wall", "-Wextra", "-o", str(program), str(source), "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{source.name} does not compile: {done.stderr.strip().splitlines()[-1]}")
    return program


class Field:
    """Where the sides meet. Servers are started when they are first asked for, and end with the stack.

    folder: of the files that are served, one below it for each size. large_bytes: the size of the large file, where
    the data path is all that counts. repeats: how often a whole command is timed. A server that
    nobody loads has nothing to do.
    """

    def __init__(
        self,
        folder: Path,
        large_bytes: int,
        seconds: float,
        connections: int,
        stack: contextlib.ExitStack,
        repeats: int,
    ) -> None:
        self.folder = folder
        self.repeats = repeats
        self.large_bytes = large_bytes
        self.floor = build_floor(folder)
        self._seconds = seconds
        self._connections = connections
        self._stack = stack
        self._servers: dict[tuple[str, str, int, bool], Server] = {}

    @property
    def can_pin(self) -> bool:
        return bool(_placement(pinned=True).load_cpus)

    def congestion(self) -> dict[str, set[str]]:
        """The congestion control of the servers that were started, by program."""
        return {key[0]: {server.congestion} for key, server in self._servers.items()}

    def measure(self, side: Side) -> Reading:
        """Load a side once. Raises UserError when a server does not start, or a download fails."""
        server = self._server(side)
        before_s = server.cpu_s()
        told = self.told(self._client(side, server), _placement(side.pinned))
        if side.payer == "server":
            spent_s = server.cpu_s() - before_s
        else:
            beside_s = 0.0 if side.payer in ("C client", "Locust user") else told["server_s"]
            spent_s = told["user_s"] + told["system_s"] + beside_s
        return Reading(spent_s, told["received_bytes"], told["downloads"], told["wall_s"])

    def make_file(self, size_bytes: int) -> Path:
        """The test file of this size, made when it is first asked for."""
        folder = self.folder / str(size_bytes)
        if not folder.exists():
            folder.mkdir()
            payload.make(folder, size_bytes, lambda _: None)
        return folder / payload.NAME

    def load_command(self, port: int, size_bytes: int, seconds: float) -> list[str]:
        """The C client's command line."""
        path = f"/{size_bytes}/{payload.NAME}"
        return [str(self.floor), "load", "127.0.0.1", str(port), path, str(self._connections), f"{seconds:g}"]

    def _client(self, side: Side, server: Server) -> list[str]:
        if side.payer in _WORKERS:
            command = [sys.executable, "-m", "tests.bench.crowd_client", str(server.port), str(self._connections)]
            return [*command, str(self._seconds), str(_WORKERS[side.payer])]
        return self.load_command(server.port, side.size_bytes, self._seconds)

    def _server(self, side: Side) -> Server:
        key = (side.program, side.path, side.size_bytes if side.program == "C" else 0, side.pinned)
        file = self.make_file(side.size_bytes)
        if key not in self._servers:
            started = self._start(side, file, _placement(side.pinned).server_cpus)
            self._servers[key] = self._stack.enter_context(started)
        return self._servers[key]

    def _start(self, side: Side, file: Path, cpus: tuple[int, ...]) -> contextlib.AbstractContextManager[Server]:
        if side.program == "nginx":
            return nginx.serving(self.folder, side.path, cpus)
        if side.program == "C":
            return serving([str(self.floor), "serve", side.path, "0", str(file), "--lifeline-stdin"], cpus)
        if side.program in ("bare", "burning"):
            return self._python(f"tests.bench.{side.program}_server", side.path, cpus)
        return self.ours(side.path, cpus)

    def ours(self, mode: str, cpus: tuple[int, ...]) -> contextlib.AbstractContextManager[Server]:
        return self._python("servers", mode, cpus)

    def _python(self, module: str, what: str, cpus: tuple[int, ...]) -> contextlib.AbstractContextManager[Server]:
        command = [sys.executable, "-m", module, what, "--port", "0", "--root", str(self.folder), "--lifeline", "0"]
        return serving(command, cpus)

    def told(self, command: Sequence[str], placement: Placement) -> dict[str, float]:
        """What a client says of its load. Raises UserError when it fails."""
        with bound(placement.load_cpus):
            done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UserError(f"{' '.join(command[:4])} failed: {done.stderr.strip()}")
        told: dict[str, float] = json.loads(done.stdout)
        return told


def _placement(pinned: bool) -> Placement:
    return choose(os.sched_getaffinity(0), wanted=pinned)
