"""Does it matter? What a difference per GiB means at a stated traffic, in cores and in core-hours a day.

Its rule: it is computed from absolute differences, baseline minus mode within each round, and never from a ratio: the
Hodges–Lehmann estimate with the exact Wilcoxon interval (method.md §4), on seconds instead of on logarithms.
"""

import statistics
from dataclasses import dataclass

from reports.analysis.paired_ratio import FEWEST_ROUNDS, critical_rank, family_confidence, walsh_averages
from reports.analysis.rounds import PRIMARY, Dataset

EXAMPLE_GIB_PER_DAY = 10_000.0
SECONDS_PER_DAY = 86_400
HOURS_PER_DAY = 24


@dataclass(frozen=True, slots=True)
class Saving:
    """Seconds of server CPU that a mode spares per GiB against the baseline; below zero it costs that much more.
    low and high are None together: too few rounds for an interval at this confidence."""

    mode: str
    s_per_gib: float
    low: float | None
    high: float | None
    rounds: int
    confidence: float


def saving(dataset: Dataset, mode: str) -> Saving | None:
    """None where no round knows both costs. The confidence is that of the verdicts, all of them together."""
    differences = [baseline - ours for ours, baseline in dataset.pairs(mode, PRIMARY)]
    if not differences:
        return None
    level = family_confidence(len(dataset.others))
    averages = walsh_averages(differences)
    middle, rounds = statistics.median(averages), len(differences)
    rank = critical_rank(rounds, level) if rounds >= FEWEST_ROUNDS else 0
    if rank == 0:
        return Saving(mode, middle, None, None, rounds, level)
    return Saving(mode, middle, averages[rank - 1], averages[-rank], rounds, level)


def cores(s_per_gib: float, gib_per_day: float) -> float:
    """How many cores that is, busy all day long."""
    return s_per_gib * gib_per_day / SECONDS_PER_DAY


def core_hours(s_per_gib: float, gib_per_day: float) -> float:
    """How many core-hours that is, every day."""
    return HOURS_PER_DAY * cores(s_per_gib, gib_per_day)


def traffic(measured_for: float | None) -> float:
    """GiB a day: what the run was asked for, else an example."""
    return EXAMPLE_GIB_PER_DAY if measured_for is None else measured_for
