"""Records → chart specifications (Vega-Lite dicts through Altair): the comparison and the absolutes.

Its rule: a chart states its colours as CSS variables and its width as the container's. One specification then
serves light and dark, wide and narrow, the interactive chart and its still picture alike.
"""

import math
from typing import Any

import altair as alt

from reports.measured import PRIMARY, Measured, value
from reports.rendering import mode_colour
from reports.text import interval, times
from reports.verdict import Verdict

Spec = dict[str, Any]
Row = dict[str, str | float | int | None]

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
INK, SOFT, LINE, BAND, PAPER = (f"var(--{name})" for name in ("ink", "soft", "line", "band", "paper"))
ROW_PX = 64


def finished(chart: alt.LayerChart | alt.FacetChart, height: int, description: str) -> Spec:
    """The house's look, and the description that screen readers read."""
    text: Spec = {"labelColor": SOFT, "titleColor": SOFT, "labelFontSize": 12, "titleFontSize": 12}
    axis = text | {"gridColor": LINE, "domainColor": LINE, "tickColor": LINE, "titleFontWeight": "normal"}
    config = {
        "font": FONT,
        "background": "transparent",
        "view": {"stroke": None},
        "axis": axis | {"labelLimit": 140, "labelFlush": False},
        "legend": text | {"orient": "top", "title": None, "labelLimit": 220, "columnPadding": 14},
        "text": {"color": INK, "fontSize": 12},
    }
    sized = chart.properties(
        width="container",
        height=height,
        description=description,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
    )
    spec: Spec = sized.to_dict()
    return spec | {"config": config}


def mode_scale(measured: Measured) -> alt.Scale:
    modes = list(measured.modes)
    return alt.Scale(domain=modes, range=[mode_colour(index) for index in range(len(modes))])


def forest(measured: Measured, verdicts: tuple[Verdict, ...], margin: float) -> Spec | None:
    """Ratio per mode on a log axis: the band of what is too small to matter, the interval, every round's dot."""
    shown = [verdict for verdict in verdicts if verdict.paired is not None]
    if not shown:
        return None
    rows, dots = _estimates(shown), _dots(measured, shown)
    ratios = [1 - margin, 1 + margin] + [float(dot["ratio"] or 1) for dot in dots]
    domain = (min(ratios) / 1.08, max(ratios) * 1.08)
    axis = alt.Axis(
        values=log_ticks(*domain),
        labelExpr="datum.value + 'x'",
        title=f"server CPU per GiB, as a multiple of {measured.run.baseline} (log axis; left is cheaper)",
    )
    scale = alt.Scale(type="log", domain=list(domain), nice=False)
    x = alt.X("ratio:Q", scale=scale, axis=axis)
    y = alt.Y("mode:N", sort=[verdict.mode for verdict in shown], axis=alt.Axis(title=None, labelFontSize=13))
    colour = alt.Color("mode:N", scale=mode_scale(measured), legend=None)
    base = alt.Chart(alt.InlineData(values=rows))
    band = alt.Chart(alt.InlineData(values=[{"low": 1 - margin, "high": 1 + margin}]))
    chart = alt.layer(
        band.mark_rect(color=BAND).encode(x=alt.X("low:Q", axis=axis, scale=scale), x2="high:Q"),
        alt.Chart(alt.InlineData(values=[{"one": 1}])).mark_rule(color=SOFT, strokeDash=[4, 3]).encode(x="one:Q"),
        alt.Chart(alt.InlineData(values=dots))
        .mark_circle(size=46, opacity=0.55, yOffset=17)
        .encode(
            x=x, y=y, color=colour, tooltip=[alt.Tooltip("mode:N"), "round:Q", alt.Tooltip("text:N", title="ratio")]
        ),
        base.mark_rule(strokeWidth=4, strokeCap="round").encode(x="low:Q", x2="high:Q", y=y, color=colour),
        base.mark_point(shape="diamond", size=130, filled=True, opacity=1, stroke=PAPER).encode(x=x, y=y, color=colour),
        base.mark_text(dy=-17, fontSize=13, fontWeight=600).encode(x=x, y=y, text="text:N"),
    )
    sentences = "; ".join(verdict.line for verdict in shown)
    return finished(chart, ROW_PX * len(shown), f"Forest plot of ratios to {measured.run.baseline}. {sentences}")


def _estimates(shown: list[Verdict]) -> list[Row]:
    rows: list[Row] = []
    for verdict in shown:
        paired = verdict.paired
        assert paired is not None
        known = paired.low is not None and paired.high is not None
        text = (
            interval(paired.ratio, paired.low or 0, paired.high or 0)
            if known
            else f"{times(paired.ratio)} (no interval)"
        )
        rows.append({"mode": verdict.mode, "ratio": paired.ratio, "low": paired.low, "high": paired.high, "text": text})
    return rows


def _dots(measured: Measured, shown: list[Verdict]) -> list[Row]:
    rows: list[Row] = []
    for cells in measured.rounds:
        baseline = value(cells[measured.run.baseline], PRIMARY)
        for verdict in shown:
            cost = value(cells[verdict.mode], PRIMARY)
            if baseline and cost and baseline > 0 and cost > 0:
                ratio = cost / baseline
                number = cells[verdict.mode].round
                rows.append({"mode": verdict.mode, "round": number, "ratio": round(ratio, 5), "text": times(ratio)})
    return rows


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers between low and high: 1, 2, 5 and tenfold, or evenly spaced ones where the range is narrow."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**exponent for exponent in exponents for step in (1, 2, 5)]
    inside = [round(tick, 9) for tick in ticks if low <= tick <= high]
    if len(inside) >= 3:
        return inside
    rough = (high - low) / 5
    step = next(
        s * 10.0 ** math.floor(math.log10(rough))
        for s in (1, 2, 5, 10)
        if s * 10.0 ** math.floor(math.log10(rough)) >= rough
    )
    return [round(i * step, 9) for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def cost(measured: Measured) -> Spec | None:
    """Server CPU per GiB: user and system stacked (medians), every round's total as a dot."""
    bars: list[Row] = []
    for mode in measured.modes:
        for part in ("user", "system"):
            spread = measured.spread(mode, f"server_{part}_s", per_gib=True)
            if spread:
                bars.append({"mode": mode, "part": part, "order": part == "system", "cpu": round(spread.median, 5)})
    dots: list[Row] = [
        {"mode": mode, "round": cell.round, "cpu": round(total, 5)}
        for mode in measured.modes
        for cell in measured.cells_of(mode)
        if (total := value(cell, PRIMARY)) is not None
    ]
    if not bars:
        return None
    y = alt.Y("mode:N", sort=list(measured.modes), axis=alt.Axis(title=None))
    parts = alt.Scale(domain=["user", "system"], range=["var(--user)", "var(--system)"])
    chart = alt.layer(
        alt.Chart(alt.InlineData(values=bars))
        .mark_bar(height={"band": 0.55})
        .encode(
            x=alt.X("cpu:Q", stack="zero", axis=alt.Axis(title="server CPU s/GiB (left is cheaper)", tickCount=5)),
            y=y,
            color=alt.Color("part:N", scale=parts),
            order="order:Q",
            tooltip=["mode:N", "part:N", alt.Tooltip("cpu:Q", title="s/GiB, median")],
        ),
        alt.Chart(alt.InlineData(values=dots))
        .mark_point(size=34, filled=True, color=INK, opacity=0.75, stroke=PAPER, strokeWidth=0.7)
        .encode(x="cpu:Q", y=y, tooltip=["mode:N", "round:Q", alt.Tooltip("cpu:Q", title="s/GiB")]),
    )
    return finished(chart, 46 * len(measured.modes), "Server CPU seconds per GiB, user and system, with every round")


def throughput(measured: Measured) -> Spec | None:
    """GiB/s: every round's dot and the median's tick."""
    dots: list[Row] = [
        {"mode": mode, "round": cell.round, "gib_per_s": round(rate, 4)}
        for mode in measured.modes
        for cell in measured.cells_of(mode)
        if (rate := value(cell, "gib_per_s")) is not None
    ]
    if not dots:
        return None
    y = alt.Y("mode:N", sort=list(measured.modes), axis=alt.Axis(title=None))
    axis = alt.Axis(title="GiB/s (right is faster)", tickCount=5)
    x = alt.X("gib_per_s:Q", scale=alt.Scale(zero=True), axis=axis)
    colour = alt.Color("mode:N", scale=mode_scale(measured), legend=None)
    base = alt.Chart(alt.InlineData(values=dots))
    chart = alt.layer(
        base.mark_point(size=44, filled=True, opacity=0.55).encode(
            x=x, y=y, color=colour, tooltip=["mode:N", "round:Q", alt.Tooltip("gib_per_s:Q", title="GiB/s")]
        ),
        base.mark_tick(thickness=3, size=26).encode(x="median(gib_per_s):Q", y=y, color=colour),
    )
    return finished(chart, 46 * len(measured.modes), "Throughput in GiB per second, every round and the median")
