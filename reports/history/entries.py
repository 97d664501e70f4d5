"""A run as a line of the list, and its modes as points of a trend.

Its rule: a folder that cannot be read is a line too, which says why. It never ends the list.
"""

from dataclasses import dataclass
from pathlib import Path

from errors import UserError
from profiles.store.run_folder import RunFolder
from reports.analysis.paired_ratio import paired_ratio
from reports.analysis.text import UNKNOWN, printable
from reports.analysis.verdict import VerdictKind
from reports.comparison.comparison import costs
from reports.comparison.differences import machine, question
from reports.run_data import RunData, read_run
from units import format_size

Numbers = tuple[float | None, float | None, float | None]
UNKNOWN_NUMBERS: Numbers = (None, None, None)


@dataclass(frozen=True, slots=True)
class Entry:
    """A run in the list, by the name of its folder. broken: why it cannot be read; then all else is empty.
    question: its settings as text, without the options of modes."""

    name: str
    broken: str | None = None
    started_at: str = ""
    state: str = ""
    validity: str = ""
    machine: str = ""
    kernel: str = ""
    question: str = ""
    baseline: str = ""
    rounds: int = 0


@dataclass(frozen=True, slots=True)
class ModeEntry:
    """A mode in a run: its cost in s/GiB and its ratio to the baseline, with their intervals.
    kind and sentence: of its verdict, None for the baseline. options: of the mode, as text."""

    run: str
    mode: str
    options: str
    void: bool
    cost: float | None
    cost_low: float | None
    cost_high: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    kind: VerdictKind | None
    sentence: str | None


@dataclass(frozen=True, slots=True)
class History:
    """Oldest first; broken ones last."""

    entries: tuple[Entry, ...]
    modes: dict[str, tuple[ModeEntry, ...]]

    @property
    def readable(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.broken is None)


def read(name: str, folder: Path) -> tuple[Entry, tuple[ModeEntry, ...]]:
    """The run in this folder, under this name."""
    try:
        run = read_run(RunFolder(folder), whole=False)
    except UserError as error:
        return Entry(name, broken=printable(str(error))), ()
    except (ArithmeticError, ValueError) as error:  # numbers that no run of ours could have
        return Entry(name, broken=printable(f"its records hold impossible numbers: {error}")), ()
    return _entry(name, run), tuple(_mode(name, run, mode) for mode in run.dataset.modes)


def _entry(name: str, run: RunData) -> Entry:
    facts, asked = run.run, question(run.run, ())
    return Entry(
        name,
        started_at=facts.started_at,
        state=facts.state,
        validity=run.validity.word,
        machine=machine(facts),
        kernel=str(facts.host.get("kernel") or UNKNOWN),
        question=", ".join(f"{each} {value}" for each, value in asked.items()),
        baseline=facts.baseline,
        rounds=len(run.dataset.rounds),
    )


def _mode(name: str, run: RunData, mode: str) -> ModeEntry:
    pairs = [(cost, 1.0) for cost in costs(run.dataset, mode)]
    cost = paired_ratio(pairs) if pairs else None
    verdict = next((found for found in run.verdicts if found.mode == mode), None)
    numbers: Numbers = cost.estimate if cost else UNKNOWN_NUMBERS
    ratio: Numbers = verdict.paired.estimate if verdict and verdict.paired else UNKNOWN_NUMBERS
    options = ", ".join(f"{option} {format_size(size)}" for option, size in run.target(mode).options.items())
    return ModeEntry(
        name,
        mode,
        options,
        mode in run.void,
        *numbers,
        *ratio,
        verdict.kind if verdict else None,
        verdict.line if verdict else None,
    )
