"""Builds reports of runs, one at a time, in another process: neither the load nor the page waits for it."""

from collections.abc import Callable
from pathlib import Path

import gevent
from gevent.lock import Semaphore

from load.process import run_module


class ReportJobs:
    """waiting: runs whose reports are not built yet. made: how many were. refused: why a run has no report, by name.
    on_made: called whenever the other process has ended."""

    def __init__(self, runs_folder: Path, reports: Path, on_made: Callable[[], None]) -> None:
        self._on_made = on_made
        self._folders = ["--runs-folder", str(runs_folder.resolve()), "--reports-folder", str(reports.resolve())]
        self._one_at_a_time = Semaphore()
        self.waiting: list[str] = []
        self.refused: dict[str, str] = {}
        self.made = 0

    def begin(self, run: str) -> None:
        if run not in self.waiting:
            self.waiting.append(run)
            gevent.spawn(self._make, run)

    def _make(self, run: str) -> None:
        try:
            with self._one_at_a_time:
                failed = run_module("reports", run, *self._folders)
        finally:
            self._on_made()
            self.waiting.remove(run)
        self.made += 1
        self.refused.pop(run, None)
        if failed:
            self.refused[run] = failed
