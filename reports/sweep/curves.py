"""Charts of a sweep: costs and ratios over the axis, with an interval at every point.

Its rule: every round is drawn. A point where the client was the limit is hollow. Void numbers are not drawn.
"""

import json
import math
from collections.abc import Callable, Sequence

import altair as alt

from reports.analysis.paired_ratio import Paired, paired_ratio
from reports.analysis.rounds import PRIMARY, value
from reports.analysis.text import bracketed, number, times
from reports.charts.theme import BAND, PAPER, SOFT, TIMES, Row, Spec, data, equal_line, finished, log_axis, mode_scale
from reports.sweep.sweep_data import PointData, SweepData
from units import GIB, MIB

HEIGHT_PX = 320
SMALL_BYTES = MIB  # up to this size the cost per request is drawn too
AXIS_TITLES = {
    "size": "file size (log axis)",
    "chunk": "bytes per read() and send() (log axis)",
    "connections": "parallel connections (log axis)",
    "buffer-offset": "offset of the buffer: bytes after the start of a page",
}


def ratio_curve(sweep: SweepData) -> Spec | None:
    """Each mode as a multiple of the baseline; crossovers are shaded."""
    rows, dots = [], []
    for mode in sweep.others:
        found = [(place, paired) for place in sweep.places if (paired := place.paired(mode))]
        rows += _points(sweep, mode, found, times)
        dots += [_at(sweep, place.value, mode) | {"y": ratio} for place, paired in found for ratio in paired.ratios]
    if not rows:
        return None
    title = ["server CPU, as a multiple of", f"{sweep.modes[0]} (log axis; lower is cheaper)"]
    band = data([{"low": 1 - sweep.delta, "high": 1 + sweep.delta}])
    behind = [*_crossovers(sweep), band.mark_rect(color=BAND).encode(y="low:Q", y2="high:Q"), equal_line(y="one:Q")]
    ends = [1 - sweep.delta, 1 + sweep.delta]
    return _chart(sweep, rows, dots, title, "ratio", behind, ends, TIMES)


def cost_curve(sweep: SweepData) -> Spec | None:
    """Server CPU s/GiB of each mode."""
    return _costs(sweep, sweep.places, lambda _: 1.0, "server CPU s/GiB (log axis; lower is cheaper)", "s/GiB")


def request_curve(sweep: SweepData) -> Spec | None:
    """Server CPU µs per request, for small files."""
    small = [place for place in sweep.places if place.value <= SMALL_BYTES] if sweep.sweep.axis == "size" else []
    if len(small) < 2:
        return None
    title = "server CPU µs per request (log axis; lower is cheaper)"
    return _costs(sweep, small, lambda place: place.run.run.file.size_bytes / GIB * 1e6, title, "µs per request")


def _costs(
    sweep: SweepData, places: Sequence[PointData], factor: Callable[[PointData], float], title: str, unit: str
) -> Spec | None:
    rows, dots = [], []
    for mode in sweep.modes:
        known = [(place, _known(place, mode, factor(place))) for place in places if mode not in place.run.void]
        found = [(place, paired_ratio([(cost, 1.0) for cost in costs])) for place, costs in known if costs]
        rows += _points(sweep, mode, found, number)
        dots += [_at(sweep, place.value, mode) | {"y": cost} for place, costs in known for cost in costs]
    return _chart(sweep, rows, dots, [title], unit, [], [], "format(datum.value, '~g')") if rows else None


def _known(place: PointData, mode: str, factor: float) -> list[float]:
    costs = [value(cell, PRIMARY) for cell in place.run.dataset.cells_of(mode)]
    return [cost * factor for cost in costs if cost is not None and cost > 0]


def _at(sweep: SweepData, x: float, mode: str) -> Row:
    return {"x": sweep.say(x) if sweep.sweep.axis == "buffer-offset" else x, "at": sweep.say(x), "mode": mode}


def _points(
    sweep: SweepData, mode: str, found: Sequence[tuple[PointData, Paired]], said: Callable[[float], str]
) -> list[Row]:
    """stretch: numbers the runs of points with intervals, so that no band is drawn across a point without one."""
    rows: list[Row] = []
    stretch = 0
    for place, paired in found:
        middle, low, high = paired.estimate
        stretch += low is None
        text = bracketed(paired.estimate, said, ", no interval yet")
        limited = "client-limited" if place.client_limited(mode) else "server"
        row: Row = {"y": middle, "low": low, "high": high, "text": text, "rounds": paired.rounds}
        rows.append(_at(sweep, place.value, mode) | row | {"stretch": f"{mode} {stretch}", "limit": limited})
    return rows


def _chart(
    sweep: SweepData,
    rows: list[Row],
    dots: list[Row],
    title: list[str],
    what: str,
    behind: list[alt.Chart],
    ends: list[float],
    labels: str,
) -> Spec:
    known = [row.get(key) for row in (*rows, *dots) for key in ("y", "low", "high")]
    heights = [*ends, *(height for height in known if isinstance(height, float))]
    axis = log_axis(heights, 1.06, title, labels)
    x, y, low = _x(sweep, rows), alt.Y("y:Q", **axis), alt.Y("low:Q", axis=axis["axis"])
    colour = alt.Color("mode:N", scale=mode_scale(sweep.modes), legend=alt.Legend(symbolOpacity=1))
    tips = ["mode:N", alt.Tooltip("at:N", title=AXIS_TITLES[sweep.sweep.axis].partition(" (")[0])]
    tips += [alt.Tooltip("text:N", title=what), "rounds:Q", alt.Tooltip("limit:N", title="limit")]
    base, spread = data(rows), data([row for row in rows if row["low"] is not None])
    hollow = alt.condition("datum.limit == 'client-limited'", alt.value(PAPER), colour)
    layers = [
        *behind,
        spread.mark_area(opacity=0.16).encode(x=x, y=low, y2="high:Q", detail="stretch:N", color=colour),
        data(dots).mark_circle(size=16, opacity=0.4).encode(x=x, y=y, color=colour),
        base.mark_line(strokeWidth=1.8).encode(x=x, y=y, color=colour),
        spread.mark_rule(strokeWidth=2.5, strokeCap="round").encode(x=x, y=low, y2="high:Q", color=colour),
        base.mark_point(size=64, filled=True, opacity=1, strokeWidth=1.8).encode(
            x=x, y=y, fill=hollow, stroke=colour, tooltip=tips
        ),
    ]
    description = f"{' '.join(title)} over {AXIS_TITLES[sweep.sweep.axis]}, {len(rows)} points"
    return finished(alt.layer(*layers), HEIGHT_PX, description)


def _x(sweep: SweepData, rows: list[Row]) -> alt.X:
    """A log axis with a label at every coarse point; offsets are categories."""
    title = AXIS_TITLES[sweep.sweep.axis]
    if sweep.sweep.axis == "buffer-offset":
        order = [sweep.say(place.value) for place in sweep.places]
        return alt.X("x:N", sort=order, scale=alt.Scale(domain=order), axis=alt.Axis(title=title, labelAngle=0))
    seen = sorted({found for row in rows if isinstance(found := row["x"], int | float)})
    labelled = [found for found in seen if found in sweep.sweep.points]
    names = json.dumps({f"{found}": sweep.say(found) for found in labelled})
    axis = alt.Axis(title=title, values=labelled, labelExpr=f"({names})[datum.value]", labelOverlap=True, grid=False)
    margin = math.exp(0.02 * math.log(max(2.0, seen[-1] / seen[0])))
    domain = [seen[0] / margin, seen[-1] * margin]
    return alt.X("x:Q", axis=axis, scale=alt.Scale(type="log", base=2, domain=domain, nice=False))


def _crossovers(sweep: SweepData) -> list[alt.Chart]:
    if sweep.sweep.axis == "buffer-offset":
        return []
    found = [sweep.crossover(mode) for mode in sweep.others]
    rows: list[Row] = [{"from": one.low, "to": one.high} for one in found if one.kind == "crossover"]
    return [data(rows).mark_rect(color=SOFT, opacity=0.15).encode(x="from:Q", x2="to:Q")] if rows else []
