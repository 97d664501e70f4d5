"""The CI gate: is a run worse than a saved one? With an exit code.

Its rule: what cannot be judged never passes. A mode that is void, missing or too imprecise is inconclusive, which has
an exit code of its own.

Judged, per mode, is B over A with an unpaired interval at the family's confidence (Bonferroni):

- "relative": the cost relative to the baseline mode, paired within each run. The machine's speed cancels, so runs of
  different days and machines may be compared; a slowdown of all modes alike is not seen.
- "direct": s/GiB itself. It sees everything, a busier machine too, so it is refused across machines.

The interval does not cover how runs differ from one to the next (`CAVEAT`): the limit must leave room for that.
"""

import math
from dataclasses import dataclass
from typing import Literal

from errors import EXIT_DONE, EXIT_FAILED, UsageError
from reports.analysis.paired_ratio import family_confidence
from reports.analysis.text import interval, times
from reports.comparison import comparison
from reports.comparison.differences import machine, other_question
from reports.run_data import RunData

EXIT_INCONCLUSIVE = 3

Judged = Literal["relative", "direct"]
Outcome = Literal["pass", "regression", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """text: the reason, without the mode's name."""

    mode: str
    outcome: Outcome
    text: str


@dataclass(frozen=True, slots=True)
class Gate:
    """A run judged against another. maximum: the largest ratio that passes."""

    run: str
    baseline: str
    judged: Judged
    maximum: float
    reference: str | None
    judgements: tuple[Judgement, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst of all modes."""
        found = {judgement.outcome for judgement in self.judgements}
        return "regression" if "regression" in found else "inconclusive" if "inconclusive" in found else "pass"

    @property
    def exit_code(self) -> int:
        return {"pass": EXIT_DONE, "regression": EXIT_FAILED, "inconclusive": EXIT_INCONCLUSIVE}[self.outcome]


def gate(run: RunData, baseline: RunData, maximum: float, judged: Judged, modes: tuple[str, ...] = ()) -> Gate:
    """Judge these modes of run, by default all that the baseline run has. Raises UsageError where nothing can be."""
    if not (math.isfinite(maximum) and 0 < maximum <= 1000):
        raise UsageError(f"MAX={maximum:g} is not a limit: give a ratio above 0, like 1.05")
    if run.run.name == baseline.run.name:
        raise UsageError(f"RUN and BASELINE are both {run.run.name!r}: give two runs")
    reference = _reference(run, baseline) if judged == "relative" else None
    named = modes or tuple(mode for mode in baseline.dataset.modes if mode != reference)
    _check(run, baseline, named, reference, judged)
    level = family_confidence(len(named))
    found = tuple(_judge(run, baseline, mode, reference, maximum, level) for mode in named)
    return Gate(run.run.name, baseline.run.name, judged, maximum, reference, found)


def _reference(run: RunData, baseline: RunData) -> str:
    reference = baseline.run.baseline
    if reference not in run.dataset.modes:
        raise UsageError(
            f"run {run.run.name!r} has no {reference}, the baseline of run {baseline.run.name!r}: measure it too, or "
            f"use JUDGE=direct"
        )
    return reference


def _check(run: RunData, baseline: RunData, modes: tuple[str, ...], reference: str | None, judged: Judged) -> None:
    """Raises UsageError where the two runs cannot be compared."""
    if not modes:
        raise UsageError(f"run {baseline.run.name!r} has no mode to judge beside {reference}: measure more modes")
    for mode in modes:
        if mode == reference:
            raise UsageError(f"{mode} is the mode that others are compared with: judge it with JUDGE=direct")
        if mode not in baseline.dataset.modes:
            known = ", ".join(baseline.dataset.modes)
            raise UsageError(f"run {baseline.run.name!r} has no mode {mode!r}: it has {known}")
    here = tuple(mode for mode in (*modes, *([reference] if reference else [])) if mode in run.dataset.modes)
    if unlike := other_question(baseline.run, run.run, here):
        raise UsageError(f"the runs do not answer the same question ({unlike}): measure with the same options")
    machines = machine(baseline.run), machine(run.run)
    if judged == "direct" and machines[0] != machines[1]:
        raise UsageError(f"JUDGE=direct needs one machine ({machines[0]} against {machines[1]}): use JUDGE=relative")


def _judge(
    run: RunData, baseline: RunData, mode: str, reference: str | None, maximum: float, level: float
) -> Judgement:
    if mode not in run.dataset.modes:
        text = f"run {run.run.name!r} did not measure it; choose the modes to judge with MODES="
        return Judgement(mode, "inconclusive", text)
    row = comparison.row(baseline, run, mode, reference, level)
    for side, name in ((row.a, baseline.run.name), (row.b, run.run.name)):
        if reason := side.void_ratio if reference else side.void:
            return Judgement(mode, "inconclusive", f"void in run {name!r}: {reason}")
    found = row.ratio if reference else row.cost
    if found is None:
        return Judgement(mode, "inconclusive", "its server CPU per GiB is not known in both runs")
    if found.low is None or found.high is None:
        return Judgement(mode, "inconclusive", f"{times(found.ratio)} without an interval: {found.reason}")
    numbers, limit = interval(found.ratio, found.low, found.high), f"{maximum:g}x"
    if found.low > maximum:
        return Judgement(mode, "regression", f"{numbers} is above the limit of {limit}")
    if found.high <= maximum:
        return Judgement(mode, "pass", f"{numbers} is within the limit of {limit}")
    return Judgement(mode, "inconclusive", f"{numbers} includes the limit of {limit}: measure more rounds")
