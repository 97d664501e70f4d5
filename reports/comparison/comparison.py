"""Two runs side by side: what differs between them, and what each mode cost in both.

Its rule: within a run rounds are paired, between runs nothing is. Every run keeps its own paired numbers with their
intervals; from one run to the other there is a ratio of unpaired rounds (`unpaired_ratio`), with the caveat beside it
and never with a verdict's words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from errors import UsageError
from reports.analysis import paired_ratio, unpaired_ratio
from reports.analysis.paired_ratio import Paired
from reports.analysis.rounds import PRIMARY, Dataset, value
from reports.analysis.unpaired_ratio import Across
from reports.comparison.differences import Difference, differences, other_question
from reports.run_data import RunData

CONFIDENCE = 0.95  # plain intervals: nothing is decided here (method.md §4)


@dataclass(frozen=True, slots=True)
class ModeInRun:
    """A mode in one run. cost: s/GiB (a Paired against 1). ratio: to the reference mode, None for that itself.
    void: why its cost means nothing; void_ratio: the same for the ratio, to which the reference belongs too."""

    cost: Paired | None
    ratio: Paired | None
    void: str | None
    void_ratio: str | None


@dataclass(frozen=True, slots=True)
class ModeInBoth:
    """A mode in both runs. cost and ratio: B over A; None where one run has no such number, or a void one."""

    mode: str
    a: ModeInRun
    b: ModeInRun
    cost: Across | None
    ratio: Across | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """reference: what the modes of both runs are related to, None where the runs share no such mode. missing: modes
    that only one of the runs has. question: why the runs do not answer the same question, None where they do."""

    a: RunData
    b: RunData
    differences: tuple[Difference, ...]
    reference: str | None
    rows: tuple[ModeInBoth, ...]
    missing: tuple[str, ...]
    question: str | None


def compared(a: RunData, b: RunData) -> Comparison:
    """Compare two runs that were read. Raises UsageError where they are the same, or have no mode in common."""
    if a.run.name == b.run.name:
        raise UsageError(f"A and B are both {a.run.name!r}: compare two runs; `make runs` lists them")
    modes = tuple(mode for mode in a.dataset.modes if mode in b.dataset.modes)
    if not modes:
        raise UsageError(f"runs {a.run.name!r} and {b.run.name!r} have no mode in common")
    missing = tuple(mode for mode in (*a.dataset.modes, *b.dataset.modes) if mode not in modes)
    reference = next((mode for mode in (a.run.baseline, b.run.baseline) if mode in modes), None)
    rows = tuple(row(a, b, mode, reference) for mode in modes)
    return Comparison(a, b, differences(a.run, b.run), reference, rows, missing, other_question(a.run, b.run, modes))


def row(a: RunData, b: RunData, mode: str, reference: str | None, confidence: float = CONFIDENCE) -> ModeInBoth:
    """One mode in both runs. reference: the mode to relate it to in each."""
    sides = [_in_run(run, mode, reference) for run in (a, b)]
    known = [() if side.void else costs(run.dataset, mode) for run, side in zip((a, b), sides, strict=True)]
    ratios = [() if side.void_ratio or side.ratio is None else side.ratio.ratios for side in sides]
    return ModeInBoth(
        mode, sides[0], sides[1], _across(known[1], known[0], confidence), _across(ratios[1], ratios[0], confidence)
    )


def _in_run(run: RunData, mode: str, reference: str | None) -> ModeInRun:
    found = [(each, 1.0) for each in costs(run.dataset, mode)]
    cost = paired_ratio.paired_ratio(found, CONFIDENCE) if found else None
    pairs = _pairs(run.dataset, mode, reference) if reference not in (None, mode) else []
    ratio = paired_ratio.paired_ratio(pairs, CONFIDENCE) if pairs else None
    void = run.validity.void_reason(mode)
    of_reference = run.validity.void_reason(reference) if reference else None
    return ModeInRun(cost, ratio, void, void or (f"{reference}: {of_reference}" if of_reference else None))


def costs(dataset: Dataset, mode: str) -> tuple[float, ...]:
    """Server CPU s/GiB of the complete rounds that know it."""
    found = (value(cell, PRIMARY) for cell in dataset.cells_of(mode))
    return tuple(cost for cost in found if cost is not None and cost > 0)


def _pairs(dataset: Dataset, mode: str, reference: str | None) -> list[tuple[float, float]]:
    """(mode, reference) of every complete round that knows both."""
    if reference is None:
        return []
    both = ((value(cells[mode], PRIMARY), value(cells[reference], PRIMARY)) for cells in dataset.rounds)
    return [(x, y) for x, y in both if x is not None and y is not None and x > 0 and y > 0]


def _across(ours: Sequence[float], theirs: Sequence[float], confidence: float) -> Across | None:
    return unpaired_ratio.unpaired_ratio(ours, theirs, confidence) if ours and theirs else None
