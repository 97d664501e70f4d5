"""The method on real servers whose difference is known: one that burns 10 % more CPU, and a twin that burns none.

Its rule: the truth comes from the construction (burning_server.py), not from a measurement. A truth that the interval
excludes by more than 1 % is a bound that was missed: the method would be wrong.
"""

from reports.analysis.paired_ratio import TARGET_HALF_WIDTH, Paired, family_confidence, paired_ratio
from reports.analysis.rounds import PRIMARY
from tests.bench.contests import Outcome, Verdict, campaign, interval, new_table
from tests.bench.field import Field
from tests.bench.opponents import BURNED

SLACK = 0.01  # what is served beside send_file, and is not burned for


def outcome(field: Field) -> Outcome:
    plain, *others = BURNED
    effects = {name: 1 + float(BURNED[name]) for name in others}
    records = campaign(field, field.large_bytes, (plain, *effects), judged=True)
    result = Outcome([new_table("Known effects, server CPU seconds per GiB", "", "truth", "found", "interval", "")])
    for name, truth in effects.items():
        paired = paired_ratio(records.pairs(name, PRIMARY), family_confidence(len(effects)))
        said = result.verdicts[f"a known effect of {truth:.2f}x"] = verdict(paired, truth)
        result.tables[0].add_row(name, f"{truth:.2f}x", f"{paired.ratio:.3f}x", interval(paired), said)
    return result


def verdict(paired: Paired, truth: float) -> Verdict:
    """Within: the interval holds the truth, and tells an effect from none, or is narrow enough to say that there is
    none. Above: it excludes the truth."""
    if paired.low is None or paired.high is None or paired.half_width is None:
        return "too few rounds"
    if not paired.low - SLACK <= truth <= paired.high + SLACK:
        return "above"
    if truth == 1:
        return "within" if paired.half_width <= TARGET_HALF_WIDTH else "unclear"
    return "unclear" if paired.low <= 1 <= paired.high else "within"
