"""How precise a run is by now: the half-widths of the intervals that its verdicts use. Pure.

Its rule: precision alone may end a campaign, never significance (method.md §4). The intervals are those of the
verdicts (Bonferroni over the judged modes), and the least precise of them decides, so that what stops early is as good
as what it promises for every mode. In simulation (looks after 6, 8 and 10 rounds, target 5 %, noise of 2 to 10 %, with
and without spikes) intervals that were stopped so covered 95 to 97 %, where those of 10 rounds covered 95 %.
"""

from reports.analysis.paired_ratio import family_confidence, paired_ratio
from reports.analysis.rounds import PRIMARY, Dataset


def half_width(dataset: Dataset) -> float | None:
    """The widest of the judged modes', on the log scale; None where one has no interval, or none is compared."""
    level = family_confidence(len(dataset.others))
    found = [dataset.pairs(mode, PRIMARY) for mode in dataset.others]
    widths = [paired_ratio(pairs, level).half_width if pairs else None for pairs in found]
    known = [width for width in widths if width is not None]
    return max(known) if known and len(known) == len(widths) else None


def precise(dataset: Dataset, target: float) -> bool:
    """Whether every interval is at most this wide on either side; never where target is 0."""
    width = half_width(dataset)
    return target > 0 and width is not None and width <= target
