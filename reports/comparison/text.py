"""The numbers of a comparison as text, for the terminal and the page. A missing interval comes with its reason."""

from dataclasses import dataclass

from reports.analysis.paired_ratio import Paired
from reports.analysis.text import UNKNOWN, bracketed, interval, number, times
from reports.analysis.unpaired_ratio import Unpaired
from reports.comparison.comparison import Comparison, ModeInRun

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class ComparisonLine:
    """A mode in run A, in run B, and B over A."""

    mode: str
    a: str
    b: str
    across: str


def costs(comparison: Comparison) -> list[ComparisonLine]:
    """Server CPU s/GiB."""
    return [
        ComparisonLine(row.mode, _cost(row.a), _cost(row.b), _across(row.cost, row.a.void or row.b.void))
        for row in comparison.rows
    ]


def ratios(comparison: Comparison) -> list[ComparisonLine]:
    """Relative to the reference; empty without another mode."""
    rows = [row for row in comparison.rows if comparison.reference and row.mode != comparison.reference]
    return [
        ComparisonLine(row.mode, _ratio(row.a), _ratio(row.b), _across(row.ratio, row.a.void_ratio or row.b.void_ratio))
        for row in rows
    ]


def _cost(side: ModeInRun) -> str:
    if side.void:
        return "void"
    if side.cost is None:
        return UNKNOWN
    return bracketed(side.cost.estimate, number, " (no interval)")


def _ratio(side: ModeInRun) -> str:
    return "void" if side.void_ratio else UNKNOWN if side.ratio is None else _times(side.ratio, side.ratio.median)


def _across(found: Unpaired | None, void: str | None) -> str:
    if found is None:
        return NOTHING if void else UNKNOWN
    return _times(found, found.ratio)


def _times(found: Paired | Unpaired, middle: float) -> str:
    if found.low is None or found.high is None:
        return f"{times(middle)} (no interval: {found.reason})"
    return interval(found.ratio, found.low, found.high)
