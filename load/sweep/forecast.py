"""What the minutes of a sweep buy, said before it begins. Pure; rounds and seconds are about."""

import math
from collections.abc import Sequence

from profiles.store.sweep_folder import Sweep
from reports.analysis.paired_ratio import family_confidence, rounds_needed
from reports.analysis.text import plural

OVERHEAD_S = 1.2  # a server's start, warm-up and end, before one has been seen


def round_s(sweep: Sweep, compared: int) -> float:
    """How long a round takes. compared: how many variants are measured in it."""
    return compared * (sweep.window_s + OVERHEAD_S)


def forecast(sweep: Sweep, done: Sequence[int], compared: int, minutes: float) -> str:
    """done: rounds so far at each of the coarse points, which come first (next_point.py)."""
    needed = rounds_needed(family_confidence(compared - 1))
    bought = max(1, math.floor(60 * minutes / round_s(sweep, compared)))
    first = sum(rounds == 0 for rounds in done)
    left, intervals = bought - first, 0
    for missing in sorted(max(0, needed - max(rounds, 1)) for rounds in done):
        left -= missing
        intervals += left >= 0
    said = f"{minutes:g} min buy about {plural(bought, 'round')}"
    if left < 0 and sweep.most_rounds >= needed:
        whole = bought - left
        enough = math.ceil(whole * round_s(sweep, compared) / 60)
        return f"{said}: {_intervals(intervals, len(done), needed)}; all of them take about MINUTES={enough}"
    if sweep.most_rounds < needed:
        return f"{said}, but ROUNDS={sweep.most_rounds} gives no interval at any point: {needed} rounds or more do"
    more = f", and {plural(left, 'round')} to see where curves cross" if left else ""
    return f"{said}: {_intervals(intervals, len(done), needed)}{more}"


def _intervals(found: int, points: int, needed: int) -> str:
    return f"an interval ({needed} rounds) at {found} of {plural(points, 'coarse point')}"
