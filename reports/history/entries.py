"""All runs: each as a line of the list, and its modes as points of a trend.

Its rule: a folder that cannot be read is a line too, which says why. It never ends the list.
"""

from dataclasses import dataclass
from pathlib import Path

from errors import UserError
from profiles.store.run_folder import RUN_FILE, RunFolder
from profiles.store.sweep_folder import SweepFolder
from reports.analysis.paired_ratio import Estimate, paired_ratio
from reports.analysis.text import UNKNOWN, printable
from reports.analysis.verdict import VerdictKind
from reports.comparison.comparison import costs
from reports.comparison.differences import machine, question
from reports.run_data import RunData, read_run
from units import format_size


@dataclass(frozen=True, slots=True)
class ModeEntry:
    """A mode in a run. cost: in s/GiB. ratio: to the baseline. kind and sentence: of its verdict, None for the
    baseline. options: of the mode, as text."""

    mode: str
    options: str
    void: bool
    cost: Estimate | None
    ratio: Estimate | None
    kind: VerdictKind | None
    sentence: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A run in the list, by the name of its folder. broken: why it cannot be read; then all else is empty. quick:
    exploratory, without verdicts. badge: the validity, and how many modes are worse. question: its settings as text,
    without the options of modes."""

    name: str
    broken: str | None = None
    started_at: str = ""
    state: str = ""
    quick: bool = False
    validity: str = ""
    badge: str = ""
    machine: str = ""
    kernel: str = ""
    question: str = ""
    baseline: str = ""
    rounds: int = 0
    modes: tuple[ModeEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """Oldest first; broken ones last."""

    entries: tuple[Entry, ...]

    @property
    def readable(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.broken is None)


def history(profiles: Path) -> History:
    """All runs in this folder. Raises UserError if it cannot be read."""
    entries = [read(printable(RunFolder(folder).name), folder) for folder in _folders(profiles)]
    return History(tuple(sorted(entries, key=lambda entry: (entry.broken is not None, entry.started_at, entry.name))))


def _folders(profiles: Path) -> list[Path]:
    """Campaigns, their paced halves, and what cannot be read; no sweep, and no load by hand."""
    try:
        found = [path for path in profiles.iterdir() if path.is_dir()] if profiles.is_dir() else []
    except OSError as error:
        raise UserError(f"cannot look for runs in {profiles}: {error.strerror}; check its permissions") from error
    shown = [path for path in found if not path.name.startswith(".") and not SweepFolder(path).exists]
    runs = [path for path in shown if not _is_interactive(path)]
    return [*runs, *(paced.path for run in runs if ((paced := RunFolder(run).paced).path / RUN_FILE).is_file())]


def _is_interactive(folder: Path) -> bool:
    try:
        return RunFolder(folder).read_run().kind == "interactive"
    except UserError:
        return False  # listed, with the reason


def read(name: str, folder: Path) -> Entry:
    """The run in this folder, under this name."""
    try:
        run = read_run(RunFolder(folder), whole=False)
    except UserError as error:
        return Entry(name, broken=printable(str(error)))
    except (ArithmeticError, ValueError) as error:  # numbers that no run of ours could have
        return Entry(name, broken=printable(f"its records hold impossible numbers: {error}"))
    return entry_of(name, run)


def entry_of(name: str, run: RunData) -> Entry:
    """A run that was read, under this name."""
    facts, asked = run.run, question(run.run, ())
    return Entry(
        name,
        started_at=facts.started_at,
        state=facts.state,
        quick=facts.quick,
        validity=run.validity.word,
        badge=run.validity.badge,
        machine=machine(facts),
        kernel=str(facts.host.get("kernel") or UNKNOWN),
        question=", ".join(f"{each} {value}" for each, value in asked.items()),
        baseline=facts.baseline,
        rounds=len(run.dataset.rounds),
        modes=tuple(_mode(run, mode) for mode in run.dataset.modes),
    )


def _mode(run: RunData, mode: str) -> ModeEntry:
    pairs = [(cost, 1.0) for cost in costs(run.dataset, mode)]
    verdict = next((found for found in run.verdicts if found.mode == mode), None)
    options = ", ".join(f"{option} {format_size(size)}" for option, size in run.target(mode).options.items())
    return ModeEntry(
        mode,
        options,
        mode in run.void,
        paired_ratio(pairs).estimate if pairs else None,
        verdict.paired.estimate if verdict and verdict.paired else None,
        verdict.kind if verdict else None,
        verdict.line if verdict else None,
    )
