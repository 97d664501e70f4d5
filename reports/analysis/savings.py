"""What a difference per GiB means at a stated traffic, in cores and in core-hours a day.

Its rule: it is computed from absolute differences, baseline minus mode within each round, and never from a ratio: the
Hodges–Lehmann estimate with the exact Wilcoxon interval (docs/method.md §4), on seconds instead of on logarithms.
"""

from dataclasses import dataclass

from reports.analysis.paired_ratio import hodges_lehmann
from reports.analysis.rounds import PRIMARY, Dataset

EXAMPLE_GIB_PER_DAY = 10_000.0
SECONDS_PER_DAY = 86_400
HOURS_PER_DAY = 24


@dataclass(frozen=True, slots=True)
class Saving:
    """Seconds of server CPU that a mode saves per GiB against the baseline; below zero it costs that much more.
    low and high are None together: too few rounds for an interval."""

    mode: str
    s_per_gib: float
    low: float | None
    high: float | None
    confidence: float


def saving(dataset: Dataset, mode: str) -> Saving | None:
    """None where no round knows both costs. The confidence is that of the verdicts, all of them together."""
    differences = [baseline - ours for ours, baseline in dataset.pairs(mode, PRIMARY)]
    level = dataset.confidence
    return Saving(mode, *hodges_lehmann(differences, level), level) if differences else None


def cores(s_per_gib: float, gib_per_day: float) -> float:
    """How many cores that keeps busy all day long."""
    return s_per_gib * gib_per_day / SECONDS_PER_DAY


def core_hours(s_per_gib: float, gib_per_day: float) -> float:
    """Core-hours every day."""
    return HOURS_PER_DAY * cores(s_per_gib, gib_per_day)


def traffic(gib_per_day: float | None) -> float:
    """GiB a day: what the run was given, else an example."""
    return EXAMPLE_GIB_PER_DAY if gib_per_day is None else gib_per_day
