"""Charts of ratios, CPU cost and throughput, as Vega-Lite specifications made with Altair.

Its rule: every round is drawn. No interval or median without the dots that it comes from.
"""

import math
from typing import Any

import altair as alt

from reports.analysis.rounds import PRIMARY, Dataset, value
from reports.analysis.text import times
from reports.analysis.verdict import Verdict
from reports.charts.theme import (
    BAND,
    INK,
    PAPER,
    SYSTEM,
    USER,
    Row,
    Spec,
    data,
    equal_line,
    estimate_row,
    finished,
    log_axis,
    mode_scale,
)

FOREST_ROW_PX, ROW_PX = 64, 46


def forest(dataset: Dataset, verdicts: tuple[Verdict, ...], margin: float) -> Spec | None:
    """Ratio per mode on a log axis: the band of what is too small to matter, the interval, a dot per round.

    Void modes are left out. The page's script replaces the rows of the named layers when the reader chooses another
    comparison (templates/choose.js).
    """
    fit = [verdict for verdict in verdicts if verdict.kind != "void"]
    shown = [(verdict.mode, verdict.paired) for verdict in fit if verdict.paired is not None]
    if not shown:
        return None
    dots = _dots(dataset, [mode for mode, _ in shown])
    ratios = [1 - margin, 1 + margin, *(ratio for _, paired in shown for ratio in paired.ratios)]
    middle = math.sqrt(min(ratios) * max(ratios))
    title = ["server CPU per GiB, as a multiple of", f"{dataset.run.baseline} (log axis; left is cheaper)"]
    axis = log_axis(ratios, 1.08, title)
    x = alt.X("ratio:Q", **axis)
    y = alt.Y("mode:N", sort=[mode for mode, _ in shown], axis=alt.Axis(title=None, labelFontSize=13))
    colour = alt.Color("mode:N", scale=mode_scale(dataset.modes), legend=None)
    # The text extends from the estimate towards the middle of the axis, so that it stays inside.
    estimates = data(
        [
            estimate_row(paired.estimate) | {"mode": mode, "align": "left" if paired.ratio < middle else "right"}
            for mode, paired in shown
        ]
    )
    band = data([{"low": 1 - margin, "high": 1 + margin}])
    round_tooltip = [alt.Tooltip("mode:N"), alt.Tooltip("round:Q"), alt.Tooltip("text:N", title="ratio")]
    chart = alt.layer(
        band.mark_rect(color=BAND).encode(x=alt.X("low:Q", **axis), x2="high:Q").properties(name="band"),
        equal_line(x="one:Q"),
        data(dots)
        .mark_circle(size=46, opacity=0.55, yOffset=17)
        .encode(x=x, y=y, color=colour, tooltip=round_tooltip)
        .properties(name="dots"),
        estimates.mark_rule(strokeWidth=4, strokeCap="round")
        .encode(x="low:Q", x2="high:Q", y=y, color=colour)
        .properties(name="estimates"),
        estimates.mark_point(shape="diamond", size=130, filled=True, opacity=1, stroke=PAPER).encode(
            x=x, y=y, color=colour
        ),
        *(_numbers(estimates, **under).encode(x=x, y=y, text="text:N") for under in (_HALO, {})),
    )
    sentences = "; ".join(verdict.line for verdict in verdicts)
    description = f"Forest plot of ratios to {dataset.run.baseline}. {sentences}"
    return finished(chart, FOREST_ROW_PX * len(shown), description)


_HALO = {"stroke": PAPER, "strokeWidth": 7, "strokeJoin": "round"}  # so that no line runs through a number


def _numbers(rows: alt.Chart, **style: Any) -> alt.Chart:
    align = alt.ExprRef("datum.align")
    chart: alt.Chart = rows.mark_text(dy=-17, fontSize=13, fontWeight=600, align=align, **style)
    return chart


def _dots(dataset: Dataset, modes: list[str]) -> list[Row]:
    rows: list[Row] = []
    for cells in dataset.rounds:
        costs = {mode: value(cell, PRIMARY) or 0.0 for mode, cell in cells.items()}
        baseline = costs.get(dataset.run.baseline, 0.0)
        for mode in modes:
            if baseline > 0 and (cost_of_mode := costs.get(mode, 0.0)) > 0:
                ratio = cost_of_mode / baseline
                rows.append({"mode": mode, "round": cells[mode].round, "ratio": round(ratio, 5), "text": times(ratio)})
    return rows


def cost(dataset: Dataset) -> Spec | None:
    """Server CPU per GiB: medians of user and system stacked, the total of every round as a dot."""
    bars: list[Row] = []
    for mode in dataset.modes:
        for part in ("user", "system"):
            spread = dataset.spread(mode, f"server_{part}_s", per_gib=True)
            if spread:
                bars.append({"mode": mode, "part": part, "order": part == "system", "cpu": round(spread.median, 5)})
    if not bars:
        return None
    edge, _ = cost_edge(dataset)
    dots = [row for row in _per_round(dataset, PRIMARY, "cpu") if row["cpu"] <= edge]
    y = alt.Y("mode:N", sort=list(dataset.modes), axis=alt.Axis(title=None))
    parts = alt.Scale(domain=["user", "system"], range=[USER, SYSTEM])
    chart = alt.layer(
        data(bars)
        .mark_bar(height={"band": 0.55})
        .encode(
            x=alt.X("cpu:Q", stack="zero", axis=alt.Axis(title="server CPU s/GiB (left is cheaper)", tickCount=5)),
            y=y,
            color=alt.Color("part:N", scale=parts),
            order="order:Q",
            tooltip=["mode:N", "part:N", alt.Tooltip("cpu:Q", title="s/GiB, median")],
        ),
        data(dots)
        .mark_point(size=34, filled=True, color=INK, opacity=0.75, stroke=PAPER, strokeWidth=0.7)
        .encode(x="cpu:Q", y=y, tooltip=["mode:N", "round:Q", alt.Tooltip("cpu:Q", title="s/GiB")]),
    )
    return finished(chart, ROW_PX * len(dataset.modes), "Server CPU seconds per GiB, user and system, every round")


def _per_round(dataset: Dataset, metric: str, name: str) -> list[dict[str, Any]]:
    """Rows of mode, round and the metric under this name."""
    return [
        {"mode": mode, "round": cell.round, name: round(found, 5)}
        for mode in dataset.modes
        for cell in dataset.cells_of(mode)
        if (found := value(cell, metric)) is not None
    ]


def cost_edge(dataset: Dataset) -> tuple[float, list[float]]:
    """The largest cost that is drawn, and the costs beyond it: a few outliers must not flatten all others."""
    spreads = [dataset.spread(mode, PRIMARY) for mode in dataset.modes]
    edge = 2.5 * max((spread.median for spread in spreads if spread), default=0.0)
    return edge, sorted(row["cpu"] for row in _per_round(dataset, PRIMARY, "cpu") if row["cpu"] > edge)


def throughput(dataset: Dataset) -> Spec | None:
    """GiB/s: a dot per round and a tick at the median."""
    dots = _per_round(dataset, "gib_per_s", "gib_per_s")
    if not dots:
        return None
    y = alt.Y("mode:N", sort=list(dataset.modes), axis=alt.Axis(title=None))
    axis = alt.Axis(title="GiB/s (right is faster)", tickCount=5)
    x = alt.X("gib_per_s:Q", scale=alt.Scale(zero=True), axis=axis)
    colour = alt.Color("mode:N", scale=mode_scale(dataset.modes), legend=None)
    base = data(dots)
    chart = alt.layer(
        base.mark_point(size=44, filled=True, opacity=0.55).encode(
            x=x, y=y, color=colour, tooltip=["mode:N", "round:Q", alt.Tooltip("gib_per_s:Q", title="GiB/s")]
        ),
        base.mark_tick(thickness=3, size=26).encode(x="median(gib_per_s):Q", y=y, color=colour),
    )
    return finished(chart, ROW_PX * len(dataset.modes), "Throughput in GiB per second, every round and the median")
