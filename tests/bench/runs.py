"""Single runs of the bench: start a server, load it, and say what one side paid per GiB.

Its rule: a server's cost is read from its CPU clock around the load, a client's from its own; both sides of a contest
face the same peer.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from errors import UserError
from load.server_host import ServerHost
from profiles.metrics import cpu_s
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
class Bench:
    """All runs load the same file, with the same number of connections, for the same time."""

    folder: Path
    floor: Path
    seconds: float
    connections: int

    def our_server(self, mode: str) -> float:
        command = [sys.executable, "-m", "servers", mode, "--port", "0", "--root", str(self.folder)]
        return self._server_cost(command)

    def floor_server(self, mode: str) -> float:
        return self._server_cost(self._floor_command(mode))

    def floor_client(self) -> float:
        """The C client's CPU seconds per GiB, against the C server."""
        with _serving(self._floor_command("sendfile")) as (_, port):
            told = self._load(port)
            return (told["user_s"] + told["system_s"]) / (told["received_bytes"] / GIB)

    def our_client(self) -> float:
        """A Locust user's CPU seconds per GiB, against the same server."""
        with _serving(self._floor_command("sendfile")) as (_, port):
            command = [
                sys.executable,
                "-m",
                "tests.bench.locust_client",
                str(port),
                str(self.connections),
                str(self.seconds),
            ]
            told: dict[str, float] = json.loads(_output(command))
            return told["cpu_s"] / (told["received_bytes"] / GIB)

    def sampler_share(self) -> float:
        """The agent's CPU time per second while it samples a loaded server and this process."""
        host = ServerHost(self.folder)
        try:
            port = host.start("sendfile", {}, any_port=True).port
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

    def _server_cost(self, command: list[str]) -> float:
        with _serving(command) as (pid, port):
            self._load(port, seconds=0.3)  # warm-up
            before_s = cpu_s(pid)
            told = self._load(port)
            return (cpu_s(pid) - before_s) / (told["received_bytes"] / GIB)

    def _load(self, port: int, seconds: float | None = None) -> dict[str, float]:
        told: dict[str, float] = json.loads(_output(self._load_command(port, seconds or self.seconds)))
        return told

    def _load_command(self, port: int, seconds: float) -> list[str]:
        return [str(self.floor), "load", "127.0.0.1", str(port), f"/{NAME}", str(self.connections), f"{seconds:g}"]

    def _floor_command(self, mode: str) -> list[str]:
        return [str(self.floor), "serve", mode, "0", str(self.folder / NAME)]


@contextlib.contextmanager
def _serving(command: list[str]) -> Iterator[tuple[int, int]]:
    """The PID and port of a server, ready; ended at the end."""
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        if words[:1] != ["ready"]:
            raise UserError(f"{' '.join(command[:4])} did not start")
        yield process.pid, int(words[2])
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _output(command: list[str]) -> str:
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{' '.join(command[:4])} failed: {done.stderr.strip()}")
    return done.stdout
