"""The charts of the class page, as Vega-Lite specifications made with Altair.

Its rule: a dot is a machine, and nothing is drawn through the dots: what goes with a difference is not its cause.
"""

import math
import re
from collections.abc import Callable, Sequence

import altair as alt

from reports.analysis.text import UNKNOWN, interval, times
from reports.charts.theme import INK, PAPER, SOFT, Row, Spec, data, equal_line, finished, log_axis
from reports.class_page.facts import MachineFacts
from reports.class_page.guessed import RatioGuesses
from reports.class_page.machines import Machine
from reports.class_page.pools import Pool

SPREAD_PX, DOTS_PX = 130, 210
MOST_DOTS = 1000  # of rounds; more are thinned out evenly
COLOUR = "var(--mode-0)"
BETWEEN, WITHIN = "between machines", "within a machine"
Attribute = tuple[str, str, Callable[[MachineFacts], str | float | None]]
ATTRIBUTES: tuple[Attribute, ...] = (
    ("kernel", "kernel", lambda facts: facts.kernel_series),
    ("fsrm", "FSRM: does the CPU copy short pieces fast?", lambda facts: facts.fsrm),
    ("file-system", "file system of the served file", lambda facts: facts.file_system),
    ("memory", "memory copied, GiB/s", lambda facts: facts.copies_gib_per_s),
    ("virtual", "virtual machine or container", lambda facts: facts.virtual),
)


def spread(pool: Pool) -> Spec | None:
    """Each machine's ratio, and below each round as a multiple of its own machine's ratio, around the same middle."""
    if pool.summary is None:
        return None
    middle = pool.summary.ratio[0]
    rows: list[Row] = [_dot(BETWEEN, each.name, each.paired.ratio) for each in pool.machines]
    rounds = [
        _dot(WITHIN, each.name, middle * ratio / each.paired.ratio)
        for each in pool.machines
        for ratio in each.paired.ratios
    ]
    rows += rounds[:: math.ceil(len(rounds) / MOST_DOTS)]
    title = [f"{pool.mode}: server CPU per GiB, as a multiple of {pool.baseline} (log axis)"]
    x = alt.X("ratio:Q", **log_axis([float(row["ratio"] or 1) for row in rows], 1.05, title))
    y = alt.Y("where:N", sort=[BETWEEN, WITHIN], axis=alt.Axis(title=None, labelFontSize=13))
    base = data(rows)
    chart = alt.layer(
        data([{"ratio": middle}]).mark_rule(color=SOFT, strokeDash=[4, 3]).encode(x=alt.X("ratio:Q")),
        base.mark_circle(size=50, opacity=0.45, color=COLOUR).encode(
            x=x, y=y, tooltip=["machine:N", alt.Tooltip("text:N", title="ratio")]
        ),
    )
    what = f"{len(pool.machines)} machines' ratios, and below how far the rounds of one machine lie apart"
    return finished(chart, SPREAD_PX, f"{what}, {pool.mode} against {pool.baseline}")


def _dot(where: str, machine: str, ratio: float) -> Row:
    return {"where": where, "machine": machine, "ratio": round(ratio, 5), "text": times(ratio)}


def goes_with(pool: Pool, attribute: Attribute) -> Spec | None:
    """Machines' ratios by one of their facts; None where fewer than two values of it are known."""
    _, title, value = attribute
    known = [(each, found) for each in pool.machines if (found := value(each.facts)) not in (None, UNKNOWN)]
    if len({found for _, found in known}) < 2:
        return None
    rows: list[Row] = [_about(each) | {"value": found} for each, found in known]
    axis = log_axis([each.paired.ratio for each, _ in known], 1.1, ["ratio to", f"{pool.baseline} (log axis)"])
    shown = "value:Q" if isinstance(known[0][1], float) else "value:N"
    x = alt.X(shown, axis=alt.Axis(title=title, labelAngle=0, tickCount=5))
    if shown == "value:Q":
        x = x.scale(zero=False, padding=12)
    else:
        x = x.sort(sorted({str(found) for _, found in known}, key=_in_order))
    chart = alt.layer(
        data(rows)
        .mark_point(size=60, filled=True, opacity=0.65, color=COLOUR, stroke=PAPER)
        .encode(x=x, y=alt.Y("ratio:Q", **axis), tooltip=["machine:N", shown, alt.Tooltip("text:N", title="ratio")])
    )
    return finished(chart, DOTS_PX, f"Ratio of {pool.mode} to {pool.baseline} on {len(known)} machines, by {title}")


def _in_order(value: str) -> list[int | str]:
    """6.8 before 6.10."""
    parts = re.split(r"(\d+)", value, flags=re.ASCII)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def _about(machine: Machine) -> Row:
    ratio = machine.paired.ratio
    return {"machine": machine.name, "ratio": round(ratio, 5), "text": interval(*machine.paired.estimate)}


def guessed_ratios(found: RatioGuesses) -> Spec:
    """Each guess of a ratio, and below what the runs that were guessed measured."""
    rows: list[Row] = [{"where": "guessed", "ratio": guess, "text": times(guess)} for guess in found.guesses]
    rows += [{"where": "measured", "ratio": ratio, "text": times(ratio)} for ratio in found.measured]
    ends: Sequence[float] = [1.0, *found.guesses, *found.measured]
    x = alt.X("ratio:Q", **log_axis(ends, 1.1, ["seconds, where the baseline needs 1 (log axis)"], "datum.label"))
    y = alt.Y("where:N", sort=["guessed", "measured"], axis=alt.Axis(title=None, labelFontSize=13))
    chart = alt.layer(
        equal_line(x="one:Q"),
        data(rows).mark_circle(size=60, opacity=0.5, color=INK).encode(x=x, y=y, tooltip=["where:N", "text:N"]),
    )
    return finished(chart, SPREAD_PX, f"{len(found.guesses)} guesses of a ratio, and what was measured")
