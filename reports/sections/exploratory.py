"""The other metrics against the baseline: plain intervals, and no word of a verdict (method.md §4)."""

from markupsafe import Markup

from reports.data import RunData
from reports.paired import compare
from reports.rendering import fragment
from reports.text import interval, times

TITLE = "Exploratory: the other ratios"
ORDER = 150
HINT = "intervals without a verdict: where to look next"
EACH_QUESTION = True

_METRICS: tuple[tuple[str, str, bool], ...] = (
    ("Throughput", "gib_per_s", False),
    ("Client CPU per GiB", "client_cpu_s_per_gib", False),
    ("Whole machine's CPU per GiB", "machine_cpu_s_per_gib", False),
    ("Voluntary switches per GiB", "voluntary_switches", True),
    ("Involuntary switches per GiB", "involuntary_switches", True),
    ("Minor page faults per GiB", "minor_faults", True),
    ("Peak memory", "peak_rss_bytes", False),
)


def render(run: RunData) -> Markup:
    rows = [
        (label, [_ratio(run, mode, metric, per) for mode in run.measured.others]) for label, metric, per in _METRICS
    ]
    if not run.measured.others:
        return Markup("")
    return fragment("exploratory.html", modes=run.measured.others, rows=rows, baseline=run.run.baseline)


def _ratio(run: RunData, mode: str, metric: str, per_gib: bool) -> tuple[str, str]:
    if mode in run.void:
        return "void", ""
    pairs = run.measured.pairs(mode, metric, per_gib=per_gib)
    if not pairs:
        return "–", "zero or unknown"
    paired = compare(pairs)
    few = "" if paired.rounds == len(run.measured.rounds) else f"{paired.rounds} of {len(run.measured.rounds)} rounds"
    if paired.low is None or paired.high is None:
        return times(paired.median), "median of the rounds, no interval"
    return interval(paired.ratio, paired.low, paired.high), few
