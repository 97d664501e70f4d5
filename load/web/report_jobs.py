"""Reports of runs: made by the command that makes them for everybody, one at a time.

Its rule: it is another process, so that neither the load nor the page waits for it.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import gevent
from gevent.lock import Semaphore

from profiles.targets.catalog import PROJECT


class Reporting:
    """waiting: the runs whose reports are being made. made: how many were. refused: why a run has no report, by its
    name. on_made: is called whenever the other process is over."""

    def __init__(self, profiles: Path, reports: Path, on_made: Callable[[], None]) -> None:
        self._on_made = on_made
        self._folders = ["--profiles", str(profiles.resolve()), "--reports", str(reports.resolve())]
        self._one = Semaphore()
        self.waiting: list[str] = []
        self.refused: dict[str, str] = {}
        self.made = 0

    def begin(self, run: str) -> None:
        """In a greenlet of its own."""
        if run not in self.waiting:
            self.waiting.append(run)
            gevent.spawn(self._make, run)

    def _make(self, run: str) -> None:
        try:
            with self._one:
                command = [sys.executable, "-m", "reports", run, *self._folders]
                done = subprocess.run(
                    command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
                )
        finally:
            self._on_made()
            self.waiting.remove(run)
        self.made += 1
        if done.returncode:
            said = done.stderr.strip().splitlines()
            self.refused[run] = said[-1].removeprefix("error: ") if said else f"exit code {done.returncode}"
        else:
            self.refused.pop(run, None)
