"""Workers on this machine, started for one campaign.

Its rule: they hold the reading end of a pipe whose writing end lives here alone, so that none outlives this process;
and one that died is replaced, so that a campaign goes on with as many as it began with.
"""

import os
import subprocess
import sys
from collections.abc import Sequence

from errors import UserError
from profiles.targets.catalog import PROJECT

END_TIMEOUT_S = 5.0


class WorkerProcesses:
    """So many workers, each on one of these CPUs in turn; none for any. port: of the master, on loopback."""

    def __init__(self, count: int, port: int, cpus: Sequence[int]) -> None:
        self._port = port
        self._cpus = cpus
        self._lifeline, self._held = os.pipe()
        self._processes = [self._start(place) for place in range(count)]

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(process.pid for process in self._processes)

    def ended(self) -> dict[int, str]:
        """What became of those that have ended, by process number."""
        return {
            process.pid: f"worker process {process.pid} has ended (code {process.returncode})"
            for process in self._processes
            if process.poll() is not None
        }

    def replace_ended(self) -> None:
        for place, process in enumerate(self._processes):
            if process.poll() is not None:
                self._processes[place] = self._start(place)

    def close(self) -> None:
        """They end when the pipe does."""
        if self._held >= 0:
            os.close(self._held)
            os.close(self._lifeline)
            self._held = -1
        for process in self._processes:
            try:
                process.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, place: int) -> "subprocess.Popen[bytes]":
        command = [
            sys.executable,
            "-m",
            "load.workers.worker",
            "--port",
            str(self._port),
            "--lifeline",
            str(self._lifeline),
        ]
        if self._cpus:
            command += ["--cpus", str(self._cpus[place % len(self._cpus)])]
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
