"""The method on real servers whose difference is known: one that burns 10 % more CPU, and a twin that burns none.

Its rule: the truth comes from the construction (burning_server.py), not from a measurement. A truth that the interval
excludes by more than 1 % is a bound that was missed: the method would be wrong.
"""

from reports.analysis.paired_ratio import TARGET_HALF_WIDTH, Paired, paired_ratio
from tests.bench.contests import Outcome, Readings, Verdict, new_table
from tests.bench.sides import Field, Reading, Side

SLACK = 0.01  # what is served beside send_file, and is not burned for
EFFECTS = {"0.10": 1.10, "0.0": 1.00}
PLAIN = "0"


def sides(field: Field) -> list[Side]:
    return [Side("burning", share, field.large_bytes) for share in (PLAIN, *EFFECTS)]


def outcome(field: Field, readings: Readings) -> Outcome:
    plain, *others = sides(field)
    table = new_table("Known effects, server CPU seconds per GiB", "burns more", "truth", "found", "95 % interval", "")
    result = Outcome([table])
    for side, truth in zip(others, EFFECTS.values(), strict=True):
        costs = [[Reading.cpu_s_per_gib(one) for one in readings[which]] for which in (side, plain)]
        paired = paired_ratio(list(zip(*costs, strict=True)))
        name = f"a known effect of {truth:.2f}x"
        result.verdicts[name] = verdict(paired, truth)
        interval = "–" if paired.low is None or paired.high is None else f"[{paired.low:.3f}, {paired.high:.3f}]"
        row = (f"{float(side.path):.0%}", f"{truth:.2f}x", f"{paired.ratio:.3f}x", interval)
        table.add_row(*row, result.verdicts[name])
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
