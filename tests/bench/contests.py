"""Contests: all sides are measured in interleaved rounds, and ours is held against the other's within each round.

Its rule: only ratios within a round are compared, and each is shown with its interval beside its bound. A bound is
missed clearly when the whole interval lies above it; all else may be noise.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from rich.table import Table

from reports.analysis.paired_ratio import Paired, paired_ratio
from tests.bench.sides import Reading, Side

Readings = Mapping[Side, Sequence[Reading]]
Verdict = Literal["within", "unclear", "above", "too few rounds", "not judged"]


@dataclass(frozen=True, slots=True)
class Contest:
    """Ours against the other's, in what `cost` makes of a reading. bound: the ratio not to exceed, None: not judged."""

    name: str
    ours: Side
    other: Side
    bound: float | None
    cost: Callable[[Reading], float]


@dataclass(slots=True)
class Outcome:
    """What a part of the bench has to say: tables, sentences below them, and the verdict on each bound, by name."""

    tables: list[Table] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    verdicts: dict[str, Verdict] = field(default_factory=dict)


def measure_interleaved(
    sides: Iterable[Side], rounds: int, measure: Callable[[Side], Reading], say: Callable[[str], None]
) -> Readings:
    """One reading per side and round; within a round each side is measured once, in random order."""
    all_sides = sorted(set(sides))
    chance = random.Random(1)
    for side in all_sides:  # once, discarded: caches, and servers and threads that are started
        measure(side)
    readings: dict[Side, list[Reading]] = {side: [] for side in all_sides}
    for number in range(1, rounds + 1):
        say(f"round {number} of {rounds}")
        for side in chance.sample(all_sides, len(all_sides)):
            readings[side].append(measure(side))
    return readings


def sides_of(contests: Iterable[Contest]) -> list[Side]:
    return [side for contest in contests for side in (contest.ours, contest.other)]


def judge(title: str, contests: Sequence[Contest], readings: Readings) -> Outcome:
    """The table of these contests, and the verdicts on those that have a bound."""
    table = new_table(title, "", "ours", "other", "ratio", "95 % interval", "rounds", "bound", "")
    outcome = Outcome([table])
    for contest in contests:
        ours, other = ([contest.cost(reading) for reading in readings[side]] for side in (contest.ours, contest.other))
        result = paired_ratio(list(zip(ours, other, strict=True)))
        verdict = _verdict(result, contest.bound)
        if contest.bound is not None:
            outcome.verdicts[contest.name] = verdict
        table.add_row(
            contest.name,
            f"{median(ours):.4g}",
            f"{median(other):.4g}",
            f"{result.ratio:.2f}x",
            "–" if result.low is None or result.high is None else f"[{result.low:.2f}, {result.high:.2f}]",
            f"{min(result.ratios):.2f} … {max(result.ratios):.2f}",
            "–" if contest.bound is None else f"≤ {contest.bound:.2f}x",
            verdict,
        )
    return outcome


def middle(readings: Readings, side: Side, of: Callable[[Reading], float]) -> float:
    """The median over the rounds."""
    return median(of(reading) for reading in readings[side])


def new_table(title: str, *headings: str) -> Table:
    """A table whose columns are never wrapped."""
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    return table


def _verdict(result: Paired, bound: float | None) -> Verdict:
    if bound is None:
        return "not judged"
    if result.low is None or result.high is None:
        return "too few rounds"
    if result.high <= bound:
        return "within"
    return "above" if result.low > bound else "unclear"
