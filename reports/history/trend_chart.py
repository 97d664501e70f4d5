"""Trends: what each mode cost from run to run, as charts.

Its rule: only runs of one machine that answer one question share a chart. The kernel and our code may change from run
to run: that is what a trend shows. Void numbers are not drawn.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import altair as alt

from reports.analysis.paired_ratio import Estimate
from reports.analysis.text import bracketed, number, times
from reports.charts.theme import PAPER, Row, Spec, data, equal_line, finished, log_axis, mode_scale
from reports.history.entries import Entry, History, ModeEntry

HEIGHT_PX = 260
MOST_RUNS = 40  # in a chart: the latest ones
MOST_GROUPS = 6


@dataclass(frozen=True, slots=True)
class ComparableRuns:
    """Runs that may be drawn together, oldest first."""

    machine: str
    question: str
    baseline: str
    runs: tuple[Entry, ...]


def comparable_runs(history: History) -> tuple[ComparableRuns, ...]:
    """Groups of two or more runs, the one with the latest run first."""
    found: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in history.readable:
        found.setdefault((entry.machine, entry.question, entry.baseline), []).append(entry)
    several = [ComparableRuns(*key, tuple(runs)) for key, runs in found.items() if len(runs) > 1]
    return tuple(sorted(several, key=lambda group: group.runs[-1].started_at, reverse=True))


def cost_trend(group: ComparableRuns) -> Spec | None:
    """Server CPU s/GiB of every mode."""
    axis = alt.Axis(title="server CPU s/GiB (lower is cheaper)", tickCount=5)
    rows = _rows(group, lambda mode: mode.cost, number)
    y = alt.Y("value:Q", axis=axis, scale=alt.Scale(zero=True))
    return _chart(group, rows, y, "Server CPU seconds per GiB")


def ratio_trend(group: ComparableRuns) -> Spec | None:
    """The ratio of every mode to the baseline, which cancels whatever slowed a whole run down."""
    rows = _rows(group, lambda mode: mode.ratio, times)
    ends = [value for row in rows for name in ("value", "low", "high") if isinstance(value := row[name], float)]
    if not ends:
        return None
    y = alt.Y("value:Q", **log_axis([*ends, 1.0], 1.05, ["ratio to", f"{group.baseline} (log axis)"]))
    return _chart(group, rows, y, f"Ratio of server CPU per GiB to {group.baseline}", equal_line(y="one:Q"))


def _rows(
    group: ComparableRuns, numbers: Callable[[ModeEntry], Estimate | None], said: Callable[[float], str]
) -> list[Row]:
    rows: list[Row] = []
    for entry, mode, label in _lines(group):
        found = numbers(mode)
        if found is None or mode.void or not math.isfinite(found[0]):
            continue
        value, low, high = found
        row: Row = {"run": entry.name, "started": entry.started_at, "kernel": entry.kernel, "mode": label}
        rows.append(row | {"value": value, "low": low, "high": high, "text": bracketed(found, said)})
    return rows


def _lines(group: ComparableRuns) -> list[tuple[Entry, ModeEntry, str]]:
    """Every mode in every run with its label, which has its options where they differ between runs."""
    shown = [(entry, mode) for entry in group.runs[-MOST_RUNS:] for mode in entry.modes]
    variants: dict[str, set[str]] = {}
    for _, mode in shown:
        variants.setdefault(mode.mode, set()).add(mode.options)
    several = {mode for mode, options in variants.items() if len(options) > 1}
    return [
        (entry, mode, f"{mode.mode} ({mode.options or 'no options'})" if mode.mode in several else mode.mode)
        for entry, mode in shown
    ]


def _chart(group: ComparableRuns, rows: list[Row], y: alt.Y, what: str, *more: alt.Chart) -> Spec | None:
    """A line per mode, in the same colour in every chart of the group."""
    if not rows:
        return None
    labels = list(dict.fromkeys(label for _, _, label in _lines(group)))
    runs = [entry.name for entry in group.runs[-MOST_RUNS:]]
    x = alt.X("run:N", sort=runs, scale=alt.Scale(domain=runs), axis=alt.Axis(title=None, labelAngle=-35))
    colour = alt.Color("mode:N", scale=mode_scale(labels))
    tips = ["run:N", "started:N", "kernel:N", "mode:N", alt.Tooltip("text:N", title="value")]
    base = data(rows)
    chart = alt.layer(
        *more,
        base.mark_line(strokeWidth=1.5, opacity=0.6).encode(x=x, y=y, color=colour),
        base.mark_rule(strokeWidth=3, strokeCap="round").encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour),
        base.mark_point(size=60, filled=True, opacity=1, stroke=PAPER).encode(x=x, y=y, color=colour, tooltip=tips),
    )
    return finished(chart, HEIGHT_PX, f"{what} in {len(runs)} runs of {group.machine}: {group.question}")
