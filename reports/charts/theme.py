"""How charts look, and the parts that they share.

Its rule: colours are CSS variables and the width is the container's, so that one specification serves light and dark,
wide and narrow, the interactive chart and its still picture.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from reports.analysis.paired_ratio import Estimate
from reports.analysis.text import interval, printable
from reports.mode_names import mode_colours

Spec = dict[str, Any]
Row = dict[str, str | float | int | None]
Chart = alt.LayerChart | alt.FacetChart

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
INK, SOFT, LINE, BAND, PAPER = (f"var(--{name})" for name in ("ink", "soft", "line", "band", "paper"))
TIPS = "tips"  # name of an invisible layer that only carries tooltips
TIMES = "datum.value + 'x'"  # label of a ratio, as a Vega expression
USER, SYSTEM = "var(--user)", "var(--system)"


def data(rows: list[Row]) -> alt.Chart:
    """A chart of these rows, as JSON text until finished(): Altair copies rows one by one with every change."""
    return alt.Chart(alt.InlineData(values=json.dumps(rows)))


def mode_scale(modes: Sequence[str]) -> alt.Scale:
    """A colour for each mode."""
    colours = mode_colours(modes)
    return alt.Scale(domain=list(colours), range=list(colours.values()))


def log_axis(values: Sequence[float], margin: float, title: list[str], labels: str = TIMES) -> dict[str, Any]:
    """The scale and axis of a channel, with room for these values. labels: a Vega expression."""
    domain = [min(values) / margin, max(values) * margin]
    axis = alt.Axis(title=title, values=log_ticks(*domain), labelExpr=labels)
    return {"axis": axis, "scale": alt.Scale(type="log", domain=domain, nice=False)}


def equal_line(**channel: Any) -> alt.Chart:
    """A dashed line where a ratio is 1. channel: x or y, with the field "one"."""
    line: alt.Chart = data([{"one": 1}]).mark_rule(color=SOFT, strokeDash=[4, 3]).encode(**channel)
    return line


def estimate_row(estimate: Estimate) -> Row:
    """A ratio with its text, and its interval if there is one."""
    ratio, low, high = estimate
    row: Row = {"ratio": ratio, "text": interval(*estimate)}
    return row if low is None else row | {"low": low, "high": high}


def finished(chart: Chart, height: int, description: str) -> Spec:
    """The specification with our style. description: what screen readers say."""
    text: Spec = {"labelColor": SOFT, "titleColor": SOFT, "labelFontSize": 12, "titleFontSize": 12}
    axis = text | {"gridColor": LINE, "domainColor": LINE, "tickColor": LINE, "titleFontWeight": "normal"}
    config = {
        "font": FONT,
        "background": "transparent",
        "view": {"stroke": None},
        "axis": axis | {"labelLimit": {"expr": "containerSize()[0] < 400 ? 120 : 200"}, "labelFlush": False},
        "legend": text
        | {
            "orient": "top",
            "title": None,
            "labelLimit": 220,
            "columnPadding": 14,
            "columns": {"expr": "width < 480 ? 2 : 8"},
        },
        "text": {"color": INK, "fontSize": 12},
        "mark": {"aria": False},  # the description covers all marks
    }
    sized = chart.properties(
        width="container",
        height=height,
        description=description,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
    )
    spec: Spec = sized.to_dict()
    spec["datasets"] = {name: json.loads(rows) for name, rows in spec["datasets"].items()}
    spec = _printable(spec)
    del spec["$schema"]  # a URL that is not needed
    return spec | {"config": config}


def _printable(node: Any) -> Any:
    """Without control characters: one in a name makes the SVG renderer abort the process."""
    if isinstance(node, dict):
        return {_printable(key): _printable(item) for key, item in node.items()}
    if isinstance(node, list):
        return [_printable(item) for item in node]
    return printable(node) if isinstance(node, str) else node


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers between low and high: 1, 2, 5, 10, …, or evenly spaced ones if the range is narrow."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [round(step * 10.0**exponent, 9) for exponent in exponents for step in (1, 2, 5)]
    inside = [tick for tick in ticks if low <= tick <= high]
    if len(inside) >= 3:
        return inside
    tenth = 10.0 ** math.floor(math.log10((high - low) / 5))
    step = next(factor * tenth for factor in (1, 2, 5, 10) if 5 * factor * tenth >= high - low)
    return [round(number * step, 9) for number in range(math.ceil(low / step), math.floor(high / step) + 1)]
