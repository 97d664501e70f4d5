"""Two runs side by side: what differs between them, and what each mode cost in both.

Its rule: within a run rounds are paired, between runs nothing is. Every run keeps its own paired numbers with their
intervals; from one run to the other there is a ratio of unpaired rounds (`unpaired_ratio`), with the caveat beside it
and never with a verdict's words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from errors import UsageError
from reports.analysis.paired_ratio import Paired, paired_ratio
from reports.analysis.rounds import PRIMARY, Dataset, value
from reports.analysis.unpaired_ratio import Unpaired, unpaired_ratio
from reports.comparison.differences import Difference, differences, other_question
from reports.run_data import RunData

CONFIDENCE = 0.95  # plain intervals: nothing is decided here (docs/method.md §4)


@dataclass(frozen=True, slots=True)
class ModeInRun:
    """A mode in one run. cost: s/GiB (a Paired against 1). ratio: to the reference mode, None for that mode itself.
    void: why the cost must not be used; void_ratio: the same for the ratio, which needs the reference too."""

    cost: Paired | None
    ratio: Paired | None
    void: str | None
    void_ratio: str | None


@dataclass(frozen=True, slots=True)
class ModeInBoth:
    """A mode in both runs. cost and ratio: B over A; None where one is missing or void."""

    mode: str
    a: ModeInRun
    b: ModeInRun
    cost: Unpaired | None
    ratio: Unpaired | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """reference: the mode that ratios relate to, None where the runs share no baseline. missing: modes of only one run.
    question: why the runs do not answer the same question, None where they do."""

    a: RunData
    b: RunData
    differences: tuple[Difference, ...]
    reference: str | None
    rows: tuple[ModeInBoth, ...]
    missing: tuple[str, ...]
    question: str | None


def compared(a: RunData, b: RunData) -> Comparison:
    """Raises UsageError where the runs are the same, or have no mode in common."""
    if a.run.name == b.run.name:
        raise UsageError(f"A and B are both {a.run.name!r}: give two runs; `make runs` lists them")
    modes = tuple(mode for mode in a.dataset.modes if mode in b.dataset.modes)
    if not modes:
        raise UsageError(f"runs {a.run.name!r} and {b.run.name!r} have no mode in common")
    missing = tuple(mode for mode in (*a.dataset.modes, *b.dataset.modes) if mode not in modes)
    reference = next((mode for mode in (a.run.baseline, b.run.baseline) if mode in modes), None)
    rows = tuple(row(a, b, mode, reference) for mode in modes)
    return Comparison(a, b, differences(a.run, b.run), reference, rows, missing, other_question(a.run, b.run, modes))


def row(a: RunData, b: RunData, mode: str, reference: str | None, confidence: float = CONFIDENCE) -> ModeInBoth:
    """One mode in both runs, and its ratio to the reference in each."""
    sides = _in_run(a, mode, reference), _in_run(b, mode, reference)
    known = [() if side.void else costs(run.dataset, mode) for run, side in zip((a, b), sides, strict=True)]
    ratios = [() if side.void_ratio or side.ratio is None else side.ratio.ratios for side in sides]
    return ModeInBoth(mode, *sides, _across(known, confidence), _across(ratios, confidence))


def _across(numbers: Sequence[Sequence[float]], confidence: float) -> Unpaired | None:
    """B over A, where both runs have numbers."""
    a, b = numbers
    return unpaired_ratio(b, a, confidence) if a and b else None


def _in_run(run: RunData, mode: str, reference: str | None) -> ModeInRun:
    found = [(each, 1.0) for each in costs(run.dataset, mode)]
    pairs = run.dataset.pairs(mode, PRIMARY, against=reference) if reference not in (None, mode) else []
    cost, ratio = (paired_ratio(each, CONFIDENCE) if each else None for each in (found, pairs))
    void = run.validity.void_reason(mode)
    reference_void = run.validity.void_reason(reference) if reference else None
    return ModeInRun(cost, ratio, void, void or (f"{reference}: {reference_void}" if reference_void else None))


def costs(dataset: Dataset, mode: str) -> tuple[float, ...]:
    """Server CPU s/GiB in the judged rounds that know it."""
    found = (value(cell, PRIMARY) for cell in dataset.cells_of(mode))
    return tuple(cost for cost in found if cost is not None and cost > 0)
