"""The CI gate between two runs: is one worse than a saved one? (within one run: gate_within.py)

Its rule: what cannot be judged never passes.

Judged, per mode, is B over A with an unpaired interval at the family's confidence (Bonferroni):

- "relative": the cost relative to the baseline mode, paired within each run. The machine's speed cancels, so runs of
  different days and machines may be compared; a slowdown of all modes alike is not seen.
- "direct": s/GiB itself. It sees everything, a busier machine too, so it is refused across machines.

The interval does not cover how runs differ from one to the next (`CAVEAT`): the limit must leave room for that.
"""

from typing import Literal

from errors import UsageError
from reports.analysis.limits import ratio
from reports.analysis.paired_ratio import family_confidence
from reports.analysis.unpaired_ratio import CAVEAT
from reports.comparison import comparison
from reports.comparison.differences import machine, other_question
from reports.comparison.judgement import Gate, Judgement, Outcome, against_limit, notes, unfit
from reports.run_data import RunData

Judged = Literal["relative", "direct"]


def gate(
    run: RunData,
    baseline: RunData,
    maximum: float,
    judged: Judged,
    modes: tuple[str, ...] = (),
    *,
    strict: bool = False,
) -> Gate:
    """Judge these modes of run, by default all that the baseline run has. Raises UsageError where nothing can be."""
    ratio(str(maximum))
    if run.run.name == baseline.run.name:
        raise UsageError(f"RUN and BASELINE are both {run.run.name!r}: give two runs")
    reference = _reference(run, baseline) if judged == "relative" else None
    named = modes or tuple(mode for mode in baseline.dataset.modes if mode != reference)
    _check(run, baseline, named, reference, judged)
    level = family_confidence(len(named))
    found = tuple(_judge(run, baseline, mode, reference, maximum, level) for mode in named)
    what = f"cost relative to {reference}" if reference else "server CPU s/GiB"
    return Gate(
        f"{run.run.name} against {baseline.run.name}",
        f"{what} of run {run.run.name} over that of run {baseline.run.name}",
        CAVEAT,
        tuple(judgement.strictly() for judgement in found) if strict else found,
    )


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
        baseline.check_mode(mode)
    here = tuple(mode for mode in (*modes, *([reference] if reference else [])) if mode in run.dataset.modes)
    if unlike := other_question(baseline.run, run.run, here):
        raise UsageError(f"the runs do not answer the same question ({unlike}): measure with the same options")
    machines = machine(baseline.run), machine(run.run)
    if judged == "direct" and machines[0] != machines[1]:
        raise UsageError(f"JUDGE=direct needs one machine ({machines[0]} against {machines[1]}): use JUDGE=relative")


def _judge(
    run: RunData, baseline: RunData, mode: str, reference: str | None, maximum: float, level: float
) -> Judgement:
    concerned = [mode, *([reference] if reference else [])]
    outcome, text = _outcome(run, baseline, mode, reference, maximum, level)
    return Judgement(mode, outcome, text, (*notes(baseline, concerned), *notes(run, concerned)))


def _outcome(
    run: RunData, baseline: RunData, mode: str, reference: str | None, maximum: float, level: float
) -> tuple[Outcome, str]:
    if mode not in run.dataset.modes:
        return "unclear", f"run {run.run.name!r} did not measure it; choose the modes to judge with MODES="
    row = comparison.row(baseline, run, mode, reference, level)
    for side, name in ((row.a, baseline.run.name), (row.b, run.run.name)):
        if reason := side.void_ratio if reference else side.void:
            return "unclear", f"void in run {name!r}: {reason}"
    if reason := unfit(baseline) or unfit(run):
        return "unclear", reason
    found = row.ratio if reference else row.cost
    return against_limit(found, maximum) if found else ("unclear", "its server CPU per GiB is not known in both runs")
