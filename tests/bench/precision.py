"""How long `make load` takes until its intervals are narrow enough, and where the time goes (docs/method.md §2, §4).

Its rule: whole commands as users type them, start to end, with flame graphs and report where that is the default. A run
that ended before its intervals were narrow enough has missed the bound, however short it was.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from profiles.store.records import Slice
from reports.analysis.paired_ratio import TARGET_HALF_WIDTH, family_confidence, paired_ratio, percent
from reports.analysis.rounds import PRIMARY, Dataset
from tests.bench.contests import Outcome, Verdict, new_table
from tests.bench.field import Field
from tests.bench.product_runs import ProductRun, load

INSIDE = 0.75  # of the time of all rounds
CHANGE_S, CHANGE_WITH_WORKERS_S = 0.015, 0.040
FEW_ROUNDS = ("--rounds", "3", "--precision", "0", "--profile", "0")
WORKERS = ("--workers", "4", *FEW_ROUNDS)


@dataclass(frozen=True, slots=True)
class Goal:
    """target: the half width to be reached, None for none. share: of the runs that must keep to bound_s; half of them
    is the median."""

    name: str
    options: tuple[str, ...]
    target: float | None
    bound_s: float
    share: float = 0.5


DEFAULT = Goal("make load", (), TARGET_HALF_WIDTH, 90.0, 0.9)
GOALS = (
    DEFAULT,
    Goal("PRECISION=0.025 ROUNDS=54", ("--precision", "0.025", "--rounds", "54"), 0.025, 180.0),
    Goal("MODES=all", ("--modes", "all"), TARGET_HALF_WIDTH, 240.0),
    Goal("QUICK=1", ("--quick", "1"), None, 20.0),
)


@dataclass(frozen=True, slots=True)
class Timed:
    """One whole command. half_width: of its widest interval; None where a mode has none."""

    took_s: float
    half_width: float | None

    def keeps(self, goal: Goal) -> bool:
        precise = goal.target is None or (self.half_width is not None and self.half_width <= goal.target)
        return precise and self.took_s <= goal.bound_s


def outcome(field: Field) -> Outcome:
    made = {goal: [load(field, *goal.options) for _ in range(field.repeats)] for goal in GOALS}
    table = new_table("Whole commands", "", "seconds", "the middle", "widest interval", "bound", "")
    result = Outcome([table])
    for goal, runs in made.items():
        timed = [Timed(run.took_s, widest(run.records)) for run in runs]
        result.verdicts[goal.name] = verdict(goal, timed)
        table.add_row(*_row(goal, timed), result.verdicts[goal.name])
    _add_time(result, made[DEFAULT], load(field, *WORKERS).slices)
    return result


def _row(goal: Goal, timed: Sequence[Timed]) -> tuple[str, ...]:
    seconds = [one.took_s for one in timed]
    widths = ("none" if one.half_width is None else f"±{one.half_width:.1%}" for one in timed)
    runs = "median" if goal.share == 0.5 else f"{goal.share:.0%} of runs"
    told = ", ".join(f"{one:.0f}" for one in seconds)
    bound = f"≤ {goal.bound_s:.0f} s" + ("" if goal.target is None else f" to ±{percent(goal.target)}") + f", {runs}"
    return goal.name, told, f"{statistics.median(seconds):.0f} s", ", ".join(widths), bound


def _add_time(result: Outcome, runs: Sequence[ProductRun], with_workers: Sequence[Slice]) -> None:
    """What is left of a campaign's time between slices."""
    inside = statistics.median(inside_share(run.slices) for run in runs)
    local_s = [second for run in runs for second in changes_s(run.slices)]
    changes = (
        ("a change of slice", local_s, CHANGE_S),
        ("with 4 workers", list(changes_s(with_workers)), CHANGE_WITH_WORKERS_S),
    )
    result.sentences.append(f"inside slices: {inside:.0%} of the time of all rounds (bound: at least {INSIDE:.0%})")
    result.verdicts["inside slices"] = "within" if inside >= INSIDE else "above"
    for name, seconds, bound_s in changes:
        middle_s, slow_s = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
        text = f"{name}: {middle_s * 1e3:.1f} ms, 95 % within {slow_s * 1e3:.1f} ms"
        result.sentences.append(f"{text} (bound of the median: {bound_s * 1e3:.0f} ms)")
        result.verdicts[name] = "within" if middle_s <= bound_s else "above"


def verdict(goal: Goal, timed: Sequence[Timed]) -> Verdict:
    return "within" if sum(one.keeps(goal) for one in timed) >= goal.share * len(timed) else "above"


def widest(records: Dataset) -> float | None:
    """The half width of the widest interval; None where one of the modes has no interval."""
    level = family_confidence(len(records.others))
    pairs = [records.pairs(mode, PRIMARY) for mode in records.others]
    widths = [paired_ratio(one, level).half_width if one else None for one in pairs]
    return None if None in widths else max((width or math.inf for width in widths), default=None)


def inside_share(slices: Sequence[Slice]) -> float:
    """The share of the rounds' time, starting servers and users included, that was inside slices. The first round took
    as long to start as the others did."""
    spans = [(turns[0].started_s, turns[-1].started_s + turns[-1].wall_s) for turns in _rounds(slices)]
    start_s = statistics.median(after - before for (_, before), (after, _) in pairwise(spans))
    return sum(one.wall_s for one in slices) / (spans[-1][1] - spans[0][0] + start_s)


def changes_s(slices: Iterable[Slice]) -> list[float]:
    """From a gate's closing, the last byte of its slice, to the next one's opening."""
    return [b.started_s - a.started_s - a.wall_s for turns in _rounds(slices) for a, b in pairwise(turns)]


def _rounds(slices: Iterable[Slice]) -> list[list[Slice]]:
    return [list(turns) for _, turns in groupby(slices, key=lambda one: one.round)]
