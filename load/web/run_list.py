"""The runs that are kept, and where their reports lie.

Its rule: a name that comes from a browser names a folder right below ours, or nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from errors import UserError
from load.campaign.options import RUN_NAME
from profiles.store.records import Run
from profiles.store.run_folder import RUN_FILE, RunFolder
from profiles.store.sweep_folder import SWEEP_FILE, SweepFolder

MOST_SHOWN = 60
PAGE_FILE = "index.html"


@dataclass(frozen=True, slots=True)
class RunSummary:
    """kind: campaign, interactive or sweep. size: how many rounds, of a sweep points. report: whether there is one."""

    name: str
    kind: str
    state: str
    started_at: str
    modes: tuple[str, ...]
    size: int
    report: bool


class Runs:
    """All that lie below these folders. Reading many takes a while: ask when nothing is measured."""

    def __init__(self, profiles: Path, reports: Path) -> None:
        self._profiles = profiles
        self._reports = reports
        self._read: dict[Path, tuple[int, Run]] = {}  # a run's record is read again only when it was written again

    def listed(self) -> list[RunSummary]:
        """The newest first; what cannot be read is left out, since it is no run."""
        found = sorted(self._all(), key=lambda one: one.started_at, reverse=True)
        return found[:MOST_SHOWN]

    def report(self, name: str) -> Path | None:
        """The folder of a run's report; None where there is none."""
        if not RUN_NAME.fullmatch(name):
            return None
        folder = self._reports / name
        return folder if (folder / PAGE_FILE).is_file() else None

    def exists(self, name: str) -> bool:
        return bool(RUN_NAME.fullmatch(name)) and (self._profiles / name).is_dir()

    def _all(self) -> Iterator[RunSummary]:
        for path in self._profiles.glob(f"*/{RUN_FILE}"):
            try:
                run = self._run(path)
            except (UserError, OSError):
                continue
            name = path.parent.name
            yield RunSummary(
                name, run.kind, run.state, run.started_at, run.modes, len(run.order), self.report(name) is not None
            )
        for path in self._profiles.glob(f"*/{SWEEP_FILE}"):
            try:
                sweep = SweepFolder(path.parent).read()
            except UserError:
                continue
            name, began = path.parent.name, sweep.sittings[0].started_at if sweep.sittings else ""
            has_report = self.report(name) is not None
            yield RunSummary(name, "sweep", sweep.state, began, sweep.modes, len(sweep.points), has_report)

    def _run(self, path: Path) -> Run:
        written = path.stat().st_mtime_ns
        known = self._read.get(path)
        if known is None or known[0] != written:
            known = self._read[path] = (written, RunFolder(path.parent).read_run())
        return known[1]
