"""The copy tax as a chart: CPU milliseconds per GiB, one stacked bar per mode.

Its rule: each part has a number besides its colour; the table has the same numbers.
"""

from collections.abc import Mapping

import altair as alt

from reports.analysis.text import number
from reports.charts.theme import PAPER, Row, Spec, data, finished
from reports.flames import copy_tax

# The parts of a bar, in stacking order, and the groups in each; the last part takes all other groups.
PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("copying", (copy_tax.COPYING,)),
    ("page faults", (copy_tax.FAULTING,)),
    ("encryption", (copy_tax.KERNEL_TLS, copy_tax.USER_TLS)),
    ("TCP", (copy_tax.TCP,)),
    ("switching", (copy_tax.SWITCHING,)),
    ("interrupts", (copy_tax.INTERRUPTS,)),
    ("interpreter", (copy_tax.INTERPRETER, copy_tax.LIBRARIES)),
    ("page cache", (copy_tax.FILES,)),
    ("the rest", ()),
)
ROW_PX, LEAST_SHARE = 34, 0.022


def part_of(group: str) -> int:
    """The number of the part that a group belongs to, from 1."""
    return next((at for at, (_, groups) in enumerate(PARTS, 1) if group in groups), len(PARTS))


def tax_chart(taxes: Mapping[str, Mapping[str, float]]) -> Spec | None:
    """taxes: by mode and group, in ms/GiB."""
    widest = max((sum(groups.values()) for groups in taxes.values()), default=0.0)
    rows = [row for mode, groups in taxes.items() for row in _bar(mode, groups, widest)]
    if not rows:
        return None
    names = [f"{at} {name}" for at, (name, _) in enumerate(PARTS, 1)]
    colours = alt.Scale(domain=names, range=[f"var(--part-{at})" for at in range(1, len(PARTS) + 1)])
    base = data(rows)
    y = alt.Y("mode:N", sort=list(taxes), axis=alt.Axis(title=None))
    tooltip = ["mode:N", alt.Tooltip("part:N"), alt.Tooltip("text:N", title="CPU ms/GiB")]
    x = alt.X("start:Q", axis=alt.Axis(title="server CPU ms/GiB (left is cheaper)", tickCount=6))
    chart = alt.layer(
        base.mark_bar(height={"band": 0.72}, stroke=PAPER, strokeWidth=1).encode(
            x=x, x2="end:Q", y=y, color=alt.Color("part:N", scale=colours), tooltip=tooltip
        ),
        base.mark_text(fontSize=11, fontWeight=700, color="var(--on-part)").encode(x="middle:Q", y=y, text="label:N"),
    )
    said = "; ".join(f"{mode}: {_said(groups)}" for mode, groups in taxes.items())
    return finished(chart, ROW_PX * len(taxes) + 20, f"Server CPU milliseconds per GiB by group of functions. {said}")


def _parts(groups: Mapping[str, float]) -> list[float]:
    sums = [0.0] * len(PARTS)
    for group, value in groups.items():
        sums[part_of(group) - 1] += value
    return sums


def _bar(mode: str, groups: Mapping[str, float], widest: float) -> list[Row]:
    rows: list[Row] = []
    start = 0.0
    for at, value in enumerate(_parts(groups), 1):
        if value > 0:
            row: Row = {"mode": mode, "part": f"{at} {PARTS[at - 1][0]}", "text": number(value)}
            row |= {"start": round(start, 2), "end": round(start + value, 2), "middle": round(start + value / 2, 2)}
            rows.append(row | {"label": str(at) if value >= LEAST_SHARE * widest else ""})
        start += value
    return rows


def _said(groups: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {number(value)}" for (name, _), value in zip(PARTS, _parts(groups), strict=True) if value)
