"""The page of all runs: their list, and a trend for runs that can be compared."""

from pathlib import Path

from markupsafe import Markup

from reports.analysis.text import plural
from reports.analysis.unpaired_ratio import CAVEAT
from reports.analysis.verdict import SIGNS
from reports.charts.figure import figure
from reports.charts.interval_strip import LogScale, axis, strip
from reports.comparison.page import write_page
from reports.history.entries import Entry, History, ModeEntry
from reports.history.terminal import ratio, started
from reports.history.trend_chart import MOST_GROUPS, MOST_RUNS, ComparableRuns, comparable_runs, cost_trend, ratio_trend
from reports.page import PAGE_FILE
from reports.templating import Rendered, fragment

HISTORY_FILE = "index.html"


def write_history(history: History, reports: Path) -> Path:
    """Write the page of all runs into the folder of reports; returns its path."""
    found = comparable_runs(history)
    sections = [Rendered("runs", "Runs", False, _runs(history, reports))]
    sections += [_trend(group, number) for number, group in enumerate(found[:MOST_GROUPS], 1)]
    left_out = len(found) - MOST_GROUPS
    more = f" {plural(left_out, 'older trend')} left out." if left_out > 0 else ""
    lead = f"{plural(len(history.readable), 'run')}, the latest first. A trend needs two comparable runs.{more}"
    origin = "Made from the folders of all runs."
    return write_page(reports / HISTORY_FILE, "All runs", lead, origin, sections)


def _runs(history: History, reports: Path) -> Markup:
    modes = [mode for entry in history.readable for mode in entry.modes if not mode.void]
    on = axis([end for mode in modes for end in mode.ratio or ()])
    runs = [(entry, started(entry), _lines(entry, on), _report(entry, reports)) for entry in reversed(history.readable)]
    broken = [entry for entry in history.entries if entry.broken]
    return fragment("history_runs.html", runs=runs, broken=broken, signs=SIGNS)


def _lines(entry: Entry, on: LogScale) -> list[tuple[ModeEntry, str, Markup | str]]:
    """Each mode but the baseline, with its ratio as text and as a picture."""
    return [(mode, ratio(mode), _strip(mode, on)) for mode in entry.modes if mode.mode != entry.baseline]


def _strip(mode: ModeEntry, on: LogScale) -> Markup | str:
    return "" if mode.void or mode.ratio is None else strip(on, *mode.ratio)


def _report(entry: Entry, reports: Path) -> str | None:
    """The folder of the run's report, if there is one beside the page."""
    whole = entry.name.partition("/")[0]
    return whole if (reports / whole / PAGE_FILE).is_file() else None


def _trend(group: ComparableRuns, number: int) -> Rendered:
    still = "Point: the estimate. Bar: its interval within the run. Void numbers are not drawn."
    body = fragment(
        "history_trend.html",
        group=group,
        cost=figure(f"trend-cost-{number}", cost_trend(group), still),
        ratio=figure(f"trend-ratio-{number}", ratio_trend(group), still),
        left_out=max(0, len(group.runs) - MOST_RUNS),
        caveat=CAVEAT,
    )
    return Rendered(f"trend-{number}", f"Trend {number}: {group.machine}", False, body)
