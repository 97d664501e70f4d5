"""The chart of a comparison: each mode's ratio in A and in B, with its interval.

Its rule: it draws what was paired within a run. The ratio from run to run stays in the table, beside its caveat.
"""

import altair as alt

from reports.charts.theme import PAPER, Row, Spec, data, equal_line, estimate_row, finished, log_axis, mode_scale
from reports.comparison.comparison import Comparison

ROW_PX = 58
_OFFSETS = {"A": -9, "B": 9}


def side_by_side(comparison: Comparison) -> Spec | None:
    """None where no mode has a ratio in either run."""
    rows = _rows(comparison)
    if not rows:
        return None
    ends = [end for row in rows for name in ("ratio", "low", "high") if isinstance(end := row.get(name), float)]
    title = ["server CPU per GiB, as a multiple of", f"{comparison.reference} in the same run (log axis)"]
    axis = log_axis([*ends, 1.0], 1.08, title)
    modes = list(dict.fromkeys(str(row["mode"]) for row in rows))
    x = alt.X("ratio:Q", **axis)
    y = alt.Y("mode:N", sort=modes, axis=alt.Axis(title=None, labelFontSize=13))
    colour = alt.Color("run:N", scale=mode_scale(["A", "B"]))
    layers = [equal_line(x=alt.X("one:Q", scale=axis["scale"]))]
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
            facts: Row = {"run": run, "name": data_.run.name, "mode": row.mode}
            rows.append(facts | estimate_row(side.ratio.estimate))
    return rows
