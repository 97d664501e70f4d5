"""Starting and ending servers, and knowing how they are.

Its rule: no server outlives its supervisor. Each holds the reading end of a pipe whose writing end lives here alone;
when this process goes, however it goes, the pipe ends and the servers end themselves. (PR_SET_PDEATHSIG would follow
the *thread* that started them.)
"""

import os
import select
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from errors import UserError
from profiles.metrics import ProcessReader, Values
from profiles.protocol import Start, TargetStatus
from profiles.targets import PROJECT, Target

START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 5.0
HOST = "127.0.0.1"


@dataclass(slots=True)
class _Server:
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    reader: ProcessReader
    host: str
    port: int
    congestion_control: str


class Supervisor:
    """The servers of the targets: at most one process each. host: where those that start from now on listen."""

    def __init__(self, targets: dict[str, Target], root: Path) -> None:
        self.host = HOST
        self._targets = targets
        self._root = root
        self._servers: dict[str, _Server] = {}
        self._lifeline, self._held = os.pipe()

    def start(self, wanted: Start) -> TargetStatus:
        """Start a target's server and wait until it is ready. Raises UserError when it does not get there."""
        name = wanted.target
        target = self._target(name)
        if name in self._servers:
            if self._servers[name].process.poll() is None:
                raise UserError(f"{name} runs already, as process {self._servers[name].process.pid}: stop it first")
            self._discard(name)
        port = 0 if wanted.any_port else target.facts.port
        command = target.command(self._root, port, wanted.options, self._lifeline, wanted.profiler, self.host)
        log = tempfile.TemporaryFile()  # noqa: SIM115  # closed when the server is discarded
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            pass_fds=[self._lifeline],
            start_new_session=True,  # Ctrl-C goes to whoever drives the load, who ends things in order
        )
        try:
            _pin(process.pid, wanted.cpus)
            _, _, port_text, congestion_control = _ready_line(process, log, name).split()
            reader = ProcessReader(process.pid)
            self._servers[name] = _Server(process, log, reader, self.host, int(port_text), congestion_control)
        except (UserError, psutil.NoSuchProcess):
            _end(process)
            log.close()
            raise
        return self.status(name)

    def stop(self, name: str) -> TargetStatus:
        """End a target's server, by force if it does not end by itself; one that is not running stays so."""
        self._target(name)
        if name in self._servers:
            self._discard(name)
        return TargetStatus(name, "stopped")

    def stop_all(self) -> None:
        for name in list(self._servers):
            self._servers[name].process.terminate()
        for name in list(self._servers):
            self._discard(name)

    def status(self, name: str) -> TargetStatus:
        server = self._servers.get(name)
        if server is None:
            self._target(name)
            return TargetStatus(name, "stopped")
        return TargetStatus(
            name=name,
            state="running" if server.process.poll() is None else "dead",
            host=server.host,
            port=server.port,
            pid=server.process.pid,
            congestion_control=server.congestion_control,
            last_words=_last_words(server.log) or _how_it_ended(server.process),
        )

    def running(self) -> dict[str, ProcessReader]:
        """The readers of the servers that were running a moment ago."""
        return {name: server.reader for name, server in list(self._servers.items())}

    def values(self, name: str) -> Values:
        """Fresh counters. Raises UserError when the target does not run."""
        status = self.status(name)
        if status.state != "running":
            raise UserError(f"{name} is {status.state}: {status.last_words or 'it was not started'}")
        return self._servers[name].reader.read()

    def _target(self, name: str) -> Target:
        if name not in self._targets:
            raise UserError(f"there is no target {name!r}: the targets are {', '.join(self._targets)}")
        return self._targets[name]

    def _discard(self, name: str) -> None:
        server = self._servers.pop(name)
        _end(server.process)
        server.log.close()


def _pin(pid: int, cpus: tuple[int, ...]) -> None:
    """Bind a process that has one thread so far; the threads that it starts inherit it (sched_setaffinity(2))."""
    if cpus:
        try:
            os.sched_setaffinity(pid, cpus)
        except OSError as error:
            raise UserError(f"cannot bind a server to CPU {cpus}: {error.strerror}; run again with PIN=0") from error


def _ready_line(process: subprocess.Popen[bytes], log: IO[bytes], name: str) -> str:
    """The line that says that the server listens: "ready NAME PORT CONGESTION_CONTROL"."""
    assert process.stdout is not None
    deadline = time.monotonic() + START_TIMEOUT_S
    line = b""
    while not line.endswith(b"\n"):
        if not select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise UserError(
                f"{name} was not ready after {START_TIMEOUT_S:.0f} s: {_last_words(log) or 'it said nothing'}"
            )
        piece = os.read(process.stdout.fileno(), 4096)
        if not piece:
            process.wait(STOP_TIMEOUT_S)
            raise UserError(f"{name} did not start: {_last_words(log) or f'exit code {process.returncode}'}")
        line += piece
    return line.decode()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _how_it_ended(process: subprocess.Popen[bytes]) -> str:
    code = process.poll()
    if code is None:
        return ""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _last_words(log: IO[bytes]) -> str:
    """The last line that the server wrote to its stderr."""
    size = os.fstat(log.fileno()).st_size
    tail = os.pread(log.fileno(), 4096, max(0, size - 4096)).decode(errors="replace")
    lines = [line for line in tail.splitlines() if line.strip() and ": serving " not in line]
    return lines[-1].removeprefix("error: ") if lines else ""
