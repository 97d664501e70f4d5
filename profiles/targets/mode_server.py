"""The server of one of our modes, started as a child process.

It does not outlive its supervisor: it holds the reading end of a pipe whose writing end the supervisor alone has. When
the supervisor ends, however that happens, the pipe ends, and the server with it. (PR_SET_PDEATHSIG would follow the
*thread* that started it.)
"""

import os
import select
import subprocess
import tempfile
import time
from pathlib import Path

from errors import UserError
from profiles.metrics.process import GONE, ProcessReader
from profiles.protocol import Start
from profiles.targets.catalog import PROJECT, Target
from profiles.targets.process_helpers import Ending, last_line, wait_or_kill

START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 5.0
HOST = "127.0.0.1"


class ModeServer:
    """Started, pinned and ready once it is made. Raises UserError when it does not get there."""

    def __init__(self, target: Target, wanted: Start, root: Path, host: str, lifeline: int) -> None:
        self._name, self.host = wanted.runs_as, host
        port = 0 if wanted.any_port else target.facts.port
        command = target.command(root, port, wanted.options, lifeline, wanted.profiler, host)
        self._ending = Ending()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - end() closes it
        self._process = subprocess.Popen(
            command,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            pass_fds=[lifeline],
            start_new_session=True,  # Ctrl-C goes to the load, which ends everything in order
        )
        self.pid = self._process.pid
        try:
            _, _, port_text, self.congestion_control = self._ready_line().split()
            _pin(self.pid, wanted.cpus)  # now that it is ready: while it starts, every CPU may help
            self.reader = ProcessReader(self.pid)
        except (UserError, *GONE):
            self.end()
            raise
        self.port = int(port_text)

    @property
    def pids(self) -> tuple[int, ...]:
        return (self.pid,)

    def running(self) -> bool:
        return self._process.poll() is None

    def last_stderr_line(self) -> str:
        """Which signal killed it; else the end of its stderr, or how it ended."""
        code = self._process.poll()
        if code is not None and code < 0:
            return self._ending.describe(code)
        return last_line(self._log) or ("" if code is None else self._ending.describe(code))

    def ask_to_end(self) -> None:
        self._process.terminate()

    def end(self) -> str:
        """End it, by force if it does not end by itself; returns "", as there is nothing to report."""
        self._process.terminate()
        wait_or_kill(self._process, STOP_TIMEOUT_S)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()
        return ""

    def _ready_line(self) -> str:
        """Wait for "ready NAME PORT CONGESTION_CONTROL", which the server prints. Raises UserError."""
        stdout = self._process.stdout
        assert stdout is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        line = b""
        while not line.endswith(b"\n"):
            if not select.select([stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
                said = last_line(self._log) or "it printed nothing"
                raise UserError(f"{self._name} was not ready after {START_TIMEOUT_S:.0f} s: {said}")
            piece = os.read(stdout.fileno(), 4096)
            if not piece:
                self._process.wait(STOP_TIMEOUT_S)
                raise UserError(f"{self._name} did not start: {self.last_stderr_line()}")
            line += piece
        return line.decode()


def _pin(pid: int, cpus: tuple[int, ...]) -> None:
    """Pin the threads of an idle process; those that they start inherit this (sched_setaffinity(2))."""
    for tid in os.listdir(f"/proc/{pid}/task") if cpus else ():  # noqa: PTH208  # names, not paths
        try:
            os.sched_setaffinity(int(tid), cpus)
        except OSError as error:
            raise UserError(f"cannot pin a server to CPU {cpus}: {error.strerror}; run again with PIN=0") from error
