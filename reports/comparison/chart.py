"""The chart of a comparison: each mode's ratio in A and in B, with its interval.

Its rule: it draws what was paired within a run. The ratio from run to run stays in the table, beside its caveat.
"""

import altair as alt

from reports.analysis.text import interval
from reports.charts.theme import PAPER, SOFT, Row, Spec, data, finished, log_ticks
from reports.comparison.comparison import Comparison
from reports.templating import mode_colour

ROW_PX = 58
_OFFSETS = {"A": -9, "B": 9}


def side_by_side(comparison: Comparison) -> Spec | None:
    """None where no mode has a ratio in either run."""
    rows = _rows(comparison)
    if not rows:
        return None
    ends = [end for row in rows for name in ("ratio", "low", "high") if isinstance(end := row.get(name), float)]
    domain = [min(*ends, 1.0) / 1.08, max(*ends, 1.0) * 1.08]
    title = ["server CPU per GiB, as a multiple of", f"{comparison.reference} in the same run (log axis)"]
    axis = alt.Axis(values=log_ticks(*domain), labelExpr="datum.value + 'x'", title=title)
    scale = alt.Scale(type="log", domain=domain, nice=False)
    colours = alt.Scale(domain=["A", "B"], range=[mode_colour(0), mode_colour(1)])
    modes = list(dict.fromkeys(str(row["mode"]) for row in rows))
    x = alt.X("ratio:Q", scale=scale, axis=axis)
    y = alt.Y("mode:N", sort=modes, axis=alt.Axis(title=None, labelFontSize=13))
    colour = alt.Color("run:N", scale=colours)
    layers = [data([{"one": 1}]).mark_rule(color=SOFT, strokeDash=[4, 3]).encode(x=alt.X("one:Q", scale=scale))]
    for run, offset in _OFFSETS.items():
        base = data([row for row in rows if row["run"] == run])
        tips = ["run:N", "name:N", "mode:N", alt.Tooltip("text:N", title="ratio")]
        layers += [
            base.mark_rule(strokeWidth=4, strokeCap="round", yOffset=offset).encode(
                x=alt.X("low:Q"), x2="high:Q", y=y, color=colour
            ),
            base.mark_point(shape="diamond", size=110, filled=True, opacity=1, stroke=PAPER, yOffset=offset).encode(
                x=x, y=y, color=colour, tooltip=tips
            ),
        ]
    said = "; ".join(f"{row['run']}, {row['mode']}: {row['text']}" for row in rows)
    return finished(alt.layer(*layers), ROW_PX * len(modes), f"Ratios to {comparison.reference} in two runs. {said}")


def _rows(comparison: Comparison) -> list[Row]:
    rows: list[Row] = []
    for row in comparison.rows:
        for run, side, data_ in (("A", row.a, comparison.a), ("B", row.b, comparison.b)):
            if side.ratio is None or side.void_ratio:
                continue
            ratio, low, high = side.ratio.estimate
            facts: Row = {"run": run, "name": data_.run.name, "mode": row.mode, "text": interval(ratio, low, high)}
            ends: Row = {"ratio": ratio} if low is None else {"ratio": ratio, "low": low, "high": high}
            rows.append(facts | ends)
    return rows
