"""Ratios of the other metrics to the baseline: plain intervals, no verdicts (docs/method.md §4)."""

from markupsafe import Markup

from reports.analysis.paired_ratio import paired_ratio
from reports.analysis.text import interval, plural, times
from reports.charts.explorer import EXPLORATORY, ExplorerMetric
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "Exploratory: ratios of other metrics"
ORDER = 150
NEEDS_PAIRING = True
HINT = "intervals without verdicts: where to look next"
PER_WORKLOAD = True


def render(run: RunData) -> Markup:
    modes = run.dataset.others
    if not modes:
        return Markup("")
    rows = [("", _heading(metric), "", "", [_ratio(run, mode, metric) for mode in modes]) for metric in EXPLORATORY]
    return fragment("exploratory.html", modes=modes, rows=rows, baseline=run.run.baseline)


def _heading(metric: ExplorerMetric) -> str:
    return f"{metric.label[0].upper()}{metric.label[1:]}"


def _ratio(run: RunData, mode: str, metric: ExplorerMetric) -> tuple[str, str]:
    if mode in run.void:
        return "void", ""
    pairs = run.dataset.pairs(mode, metric.name, per_gib=metric.per_gib)
    if not pairs:
        return "–", "zero or unknown"
    paired = paired_ratio(pairs)
    judged = len(run.dataset.rounds)
    few = "" if paired.rounds == judged else f"{paired.rounds} of {plural(judged, 'round')}"
    if paired.low is None or paired.high is None:
        return times(paired.median), "median of the rounds, no interval"
    return interval(paired.ratio, paired.low, paired.high), few
