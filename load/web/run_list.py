"""The saved runs, and where their reports are.

Its rule: a name that comes from a browser names a folder directly below ours, or nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from errors import UserError
from load.campaign.options import RUN_NAME
from profiles.store.records import Run
from profiles.store.run_folder import RUN_FILE, RunFolder
from profiles.store.sweep_folder import SWEEP_FILE, Sweep, SweepFolder

MOST_SHOWN = 60
PAGE_FILE = "index.html"


@dataclass(frozen=True, slots=True)
class RunSummary:
    """kind: campaign, interactive or sweep. size: number of rounds, or of a sweep's points. report: is there one?"""

    name: str
    kind: str
    state: str
    started_at: str
    modes: tuple[str, ...]
    size: int
    report: bool


class Runs:
    """The runs below these folders. Reading many takes a while: ask when nothing is measured."""

    def __init__(self, runs_folder: Path, reports: Path) -> None:
        self._runs_folder = runs_folder
        self._reports = reports

    def listed(self) -> list[RunSummary]:
        """The newest first, without those that cannot be read."""
        return sorted(self._all(), key=lambda one: one.started_at, reverse=True)[:MOST_SHOWN]

    def report(self, name: str) -> Path | None:
        if not RUN_NAME.fullmatch(name):
            return None
        folder = self._reports / name
        return folder if (folder / PAGE_FILE).is_file() else None

    def exists(self, name: str) -> bool:
        return bool(RUN_NAME.fullmatch(name)) and (self._runs_folder / name).is_dir()

    def _all(self) -> Iterator[RunSummary]:
        for path in self._runs_folder.glob(f"*/{RUN_FILE}"):
            try:
                run = _read_run(path.parent, path.stat().st_mtime_ns)
                run = RunFolder(path.parent).read_run() if run.state == "running" else run  # unless it was killed
            except (UserError, OSError):
                continue
            yield self._summary(path, run.kind, run, run.started_at, len(run.order))
        for path in self._runs_folder.glob(f"*/{SWEEP_FILE}"):
            try:
                sweep = SweepFolder(path.parent).read()
            except UserError:
                continue
            began = sweep.sittings[0].started_at if sweep.sittings else ""
            yield self._summary(path, "sweep", sweep, began, len(sweep.points))

    def _summary(self, file: Path, kind: str, record: Run | Sweep, began: str, size: int) -> RunSummary:
        name = file.parent.name
        return RunSummary(name, kind, record.state, began, record.modes, size, self.report(name) is not None)


@cache
def _read_run(folder: Path, _modified_ns: int) -> Run:
    """The second argument changes when the record was written again."""
    return RunFolder(folder).read_run()
