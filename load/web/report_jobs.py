"""Builds reports of runs, one at a time, in another process: neither the load nor the page waits for it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import gevent
from gevent.lock import Semaphore

from profiles.targets.catalog import PROJECT


class ReportJobs:
    """waiting: runs whose reports are not built yet. made: how many were. refused: why a run has no report, by name.
    on_made: called whenever the other process has ended."""

    def __init__(self, runs_folder: Path, reports: Path, on_made: Callable[[], None]) -> None:
        self._on_made = on_made
        self._folders = ["--profiles", str(runs_folder.resolve()), "--reports", str(reports.resolve())]
        self._one_at_a_time = Semaphore()
        self.waiting: list[str] = []
        self.refused: dict[str, str] = {}
        self.made = 0

    def begin(self, run: str) -> None:
        """Begin, in a greenlet."""
        if run not in self.waiting:
            self.waiting.append(run)
            gevent.spawn(self._make, run)

    def _make(self, run: str) -> None:
        try:
            with self._one_at_a_time:
                command = [sys.executable, "-m", "reports", run, *self._folders]
                done = subprocess.run(
                    command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
                )
        finally:
            self._on_made()
            self.waiting.remove(run)
        self.made += 1
        if done.returncode:
            errors = done.stderr.strip().splitlines()
            self.refused[run] = errors[-1].removeprefix("error: ") if errors else f"exit code {done.returncode}"
        else:
            self.refused.pop(run, None)
