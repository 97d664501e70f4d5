"""Workers on this machine, started for one campaign.

Its rule: they hold the reading end of a pipe whose writing end is in this process alone, so that none outlives it. One
that died is replaced, so that a campaign continues with as many as it began with.
"""

import os
import subprocess
from collections.abc import Sequence

from errors import UserError
from interpreter import PYTHON
from load.process import wait_or_kill
from profiles.targets.catalog import PROJECT

END_TIMEOUT_S = 5.0


class WorkerProcesses:
    """port: the master's, on loopback. cpus: workers get one each, in turn; empty to leave that to the kernel."""

    def __init__(self, count: int, port: int, cpus: Sequence[int]) -> None:
        self._port = port
        self._cpus = cpus
        self._lifeline, self._held = os.pipe()
        self._processes = [self._start(index) for index in range(count)]

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(process.pid for process in self._processes)

    def ended(self) -> dict[int, str]:
        """Why each of those that have ended did, by process ID."""
        return {
            process.pid: f"worker process {process.pid} has ended (code {process.returncode})"
            for process in self._processes
            if process.poll() is not None
        }

    def replace_ended(self) -> None:
        for index, process in enumerate(self._processes):
            if process.poll() is not None:
                self._processes[index] = self._start(index)

    def close(self) -> None:
        """They end when the pipe does."""
        if self._held >= 0:
            os.close(self._held)
            os.close(self._lifeline)
            self._held = -1
        for process in self._processes:
            wait_or_kill(process, END_TIMEOUT_S)

    def _start(self, worker_index: int) -> "subprocess.Popen[bytes]":
        command = [*PYTHON, "-m", "load.workers.worker", "--port", str(self._port)]
        command += ["--lifeline", str(self._lifeline)]
        if self._cpus:
            command += ["--cpus", str(self._cpus[worker_index % len(self._cpus)])]
        try:
            return subprocess.Popen(
                command,
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                pass_fds=[self._lifeline],
                start_new_session=True,  # Ctrl-C comes to this process, which ends the workers in order
            )
        except OSError as error:
            raise UserError(f"cannot start a worker: {error.strerror}; ask for fewer WORKERS") from error
