"""The CI gate within one run: does a mode cost more than another in the same rounds?

Its rule: judged is the paired ratio, the strongest figure that there is: both modes ran side by side in every round, so
that nothing between runs has to be allowed for. Every question that the run asked is judged.
"""

from errors import UsageError
from reports.analysis.limits import Limit
from reports.analysis.paired_ratio import family_confidence, paired_ratio
from reports.analysis.rounds import PRIMARY
from reports.analysis.text import plural
from reports.analysis.workload import label
from reports.comparison.judgement import Gate, Judgement, Outcome, against_limit, notes, unfit
from reports.run_data import RunData

SCOPE = "paired within the run"


def gate_within(run: RunData, limits: tuple[Limit, ...], *, strict: bool = False) -> Gate:
    """Judge these limits, together at 95 % (Bonferroni). Raises UsageError for a mode that the run does not have."""
    if not limits:
        raise UsageError("there is no limit to judge: give MODE=name AGAINST=name, or MAX=name/name<=1.05")
    for limit in limits:
        run.check_mode(limit.mode)
        run.check_mode(limit.against)
    level = family_confidence(len(limits) * len(run.answers))
    found = [_judge(answer, limit, level, run.paced is not None) for answer in run.answers for limit in limits]
    if run.no_paced:
        found.append(Judgement("the paced question", "unclear", f"it has no answer: {run.no_paced}"))
    if strict:
        found = [judgement.strictly() for judgement in found]
    return Gate(run.run.name, f"server CPU per GiB in run {run.run.name}", SCOPE, tuple(found))


def _judge(run: RunData, limit: Limit, level: float, several: bool) -> Judgement:
    name = f"{limit.mode}/{limit.against}" + (f", {label(run.run)}" if several else "")
    outcome, text = _outcome(run, limit, level)
    return Judgement(name, outcome, text, notes(run, (limit.mode, limit.against)))


def _outcome(run: RunData, limit: Limit, level: float) -> tuple[Outcome, str]:
    for mode in (limit.mode, limit.against):
        if reason := run.validity.void_reason(mode):
            return "unclear", f"{mode} is void: {reason}"
    if reason := unfit(run):
        return "unclear", reason
    pairs = run.dataset.pairs(limit.mode, PRIMARY, against=limit.against)
    if not pairs:
        return "unclear", "no round knows the server CPU per GiB of both"
    outcome, text = against_limit(paired_ratio(pairs, level), limit.maximum)
    return outcome, f"{text} ({plural(len(pairs), 'round')})"
