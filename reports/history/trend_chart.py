"""Trends: what each mode cost from run to run, as charts.

Its rule: only runs of one machine that answer one question share a chart. The kernel and our code may change from run
to run: that is what a trend shows. Void numbers are not drawn.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import altair as alt

from reports.analysis.text import number, times
from reports.charts.theme import PAPER, SOFT, Row, Spec, data, finished, log_ticks
from reports.history.entries import Entry, History, ModeEntry, Numbers
from reports.templating import mode_colour

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


def cost_trend(history: History, group: ComparableRuns) -> Spec | None:
    """Server CPU s/GiB of every mode."""
    axis = alt.Axis(title="server CPU s/GiB (lower is cheaper)", tickCount=5)
    rows = _rows(history, group, lambda mode: (mode.cost, mode.cost_low, mode.cost_high), number)
    y = alt.Y("value:Q", axis=axis, scale=alt.Scale(zero=True))
    return _chart(history, group, rows, y, "Server CPU seconds per GiB")


def ratio_trend(history: History, group: ComparableRuns) -> Spec | None:
    """The ratio of every mode to the baseline, which cancels whatever slowed a whole run down."""
    rows = _rows(history, group, lambda mode: (mode.ratio, mode.ratio_low, mode.ratio_high), times)
    ends = [value for row in rows for name in ("value", "low", "high") if isinstance(value := row[name], float)]
    if not ends:
        return None
    domain = [min(*ends, 1.0) / 1.05, max(*ends, 1.0) * 1.05]
    title = ["ratio to", f"{group.baseline} (log axis)"]
    axis = alt.Axis(title=title, values=log_ticks(*domain), labelExpr="datum.value + 'x'")
    y = alt.Y("value:Q", axis=axis, scale=alt.Scale(type="log", domain=domain, nice=False))
    one = data([{"one": 1}]).mark_rule(color=SOFT, strokeDash=[4, 3]).encode(y="one:Q")
    return _chart(history, group, rows, y, f"Ratio of server CPU per GiB to {group.baseline}", one)


def _rows(
    history: History, group: ComparableRuns, numbers: Callable[[ModeEntry], Numbers], said: Callable[[float], str]
) -> list[Row]:
    rows: list[Row] = []
    for entry, mode, label in _lines(history, group):
        value, low, high = numbers(mode)
        if value is None or mode.void or not math.isfinite(value):
            continue
        text = said(value) if low is None or high is None else f"{said(value)} [{said(low)}, {said(high)}]"
        row: Row = {"run": entry.name, "started": entry.started_at, "kernel": entry.kernel, "mode": label}
        rows.append(row | {"value": value, "low": low, "high": high, "text": text})
    return rows


def _lines(history: History, group: ComparableRuns) -> list[tuple[Entry, ModeEntry, str]]:
    """Every mode in every run with its label, which has its options where they differ between runs."""
    shown = [(entry, mode) for entry in group.runs[-MOST_RUNS:] for mode in history.modes[entry.name]]
    variants: dict[str, set[str]] = {}
    for _, mode in shown:
        variants.setdefault(mode.mode, set()).add(mode.options)
    several = {mode for mode, options in variants.items() if len(options) > 1}
    return [
        (entry, mode, f"{mode.mode} ({mode.options or 'no options'})" if mode.mode in several else mode.mode)
        for entry, mode in shown
    ]


def _chart(
    history: History, group: ComparableRuns, rows: list[Row], y: alt.Y, what: str, *more: alt.Chart
) -> Spec | None:
    """A line per mode, in the same colour in every chart of the group."""
    if not rows:
        return None
    labels = list(dict.fromkeys(label for _, _, label in _lines(history, group)))
    colours = alt.Scale(domain=labels, range=[mode_colour(index) for index in range(len(labels))])
    runs = [entry.name for entry in group.runs[-MOST_RUNS:]]
    x = alt.X("run:N", sort=runs, scale=alt.Scale(domain=runs), axis=alt.Axis(title=None, labelAngle=-35))
    colour = alt.Color("mode:N", scale=colours)
    tips = ["run:N", "started:N", "kernel:N", "mode:N", alt.Tooltip("text:N", title="value")]
    base = data(rows)
    chart = alt.layer(
        *more,
        base.mark_line(strokeWidth=1.5, opacity=0.6).encode(x=x, y=y, color=colour),
        base.mark_rule(strokeWidth=3, strokeCap="round").encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour),
        base.mark_point(size=60, filled=True, opacity=1, stroke=PAPER).encode(x=x, y=y, color=colour, tooltip=tips),
    )
    return finished(chart, HEIGHT_PX, f"{what} in {len(runs)} runs of {group.machine}: {group.question}")
