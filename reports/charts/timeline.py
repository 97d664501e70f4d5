"""Charts of what the processes did during the run, as Vega-Lite specifications.

Its rule: the measured windows are drawn behind the lines, so that nobody takes a warm-up for a result.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import altair as alt

from profiles.store.records import Cell, Sample
from reports.analysis.rounds import Dataset
from reports.analysis.sample_rates import CPU, SWITCHES, Counters, Rate, rates
from reports.charts.theme import INK, SOFT, TIPS, Row, Spec, data, finished, mode_scale
from reports.templating import mode_colour

MOST_ROWS = 2400
LOAD, MACHINE = "load generator", "whole machine"
_SHOWN_AS = {"load": LOAD, "machine": MACHINE}


@dataclass(frozen=True, slots=True)
class Kind:
    """counters: what is drawn, as a rate in this unit; others: processes that are drawn besides the modes."""

    counters: tuple[Counters, ...]
    others: tuple[str, ...]
    unit: str
    title: str


CPU_CHART = Kind(CPU, ("load", "machine"), "busy cores", "CPU of every process during the run")
SWITCHES_CHART = Kind(
    SWITCHES, ("load",), "context switches per second", "context switches of every process during the run"
)


def thinning(dataset: Dataset, kind: Kind) -> int:
    """n, where every n-th sample is drawn so that the chart is small enough for a page."""
    return max(1, -(-len(_samples(dataset, kind)) // MOST_ROWS))


def _samples(dataset: Dataset, kind: Kind) -> tuple[Sample, ...]:
    drawn = {*dataset.modes, *kind.others}
    return tuple(sample for sample in dataset.samples if sample.process in drawn)


def chart(dataset: Dataset, kind: Kind) -> Spec | None:
    every, shortest_s = thinning(dataset, kind), dataset.run.sample_interval_s / 2
    found = list(rates(_samples(dataset, kind), kind.counters, every=every, shortest_s=shortest_s))
    if not found:
        return None
    processes = [name for name in (*dataset.modes, *kind.others) if any(rate.process == name for rate in found)]
    labels = [_SHOWN_AS.get(process, process) for process in processes]
    colours = [_colour(dataset, process) for process in processes]
    dashes = [[1, 0] if process in dataset.modes else [4, 3] if process == "load" else [1, 3] for process in processes]
    process = alt.Color("process:N", scale=alt.Scale(domain=labels, range=colours))
    dash = alt.StrokeDash("process:N", scale=alt.Scale(domain=labels, range=dashes))
    x = alt.X("t:Q", axis=alt.Axis(title="seconds since the start of the run", grid=False), scale=alt.Scale(nice=False))
    y = alt.Y("rate:Q", axis=alt.Axis(title=kind.unit, tickCount=5))
    lines = data(list(_rows(found)))
    chosen = alt.selection_point(fields=["process"], bind="legend")
    layers = [
        *_bands(dataset),
        lines.mark_line(interpolate="step-after", strokeWidth=1.6)
        .encode(
            x=x,
            y=y,
            color=process,
            strokeDash=dash,
            detail="pid:N",
            opacity=alt.condition(chosen, alt.value(1), alt.value(0.08)),
        )
        .add_params(chosen),
        lines.mark_point(opacity=0, size=60)
        .encode(x=x, y=y, tooltip=["process:N", alt.Tooltip("t:Q", title="s"), alt.Tooltip("rate:Q", title=kind.unit)])
        .properties(name=TIPS),
    ]
    return finished(alt.layer(*layers), 240, kind.title)


def _rows(found: list[Rate]) -> Iterator[Row]:
    """One row at the start of each interval, and one at the end of each line, so that its last step has its length."""
    for index, rate in enumerate(found):
        shown_as = _SHOWN_AS.get(rate.process, rate.process)
        value = float(f"{rate.per_s:.4g}")
        yield {"process": shown_as, "pid": rate.pid, "t": round(rate.start_s, 2), "rate": value}
        following = found[index + 1] if index + 1 < len(found) else None
        if following is None or (following.process, following.pid) != (rate.process, rate.pid):
            yield {"process": shown_as, "pid": rate.pid, "t": round(rate.end_s, 2), "rate": value}


def _bands(dataset: Dataset) -> list[alt.Chart]:
    """The measured windows in their mode's colour, and the start of the profiled pass."""
    profiled = [profile.cell for profile in dataset.profiles]
    rows = [_band(cell) for cell in (*dataset.cells, *profiled) if cell.mode in dataset.modes]
    bands = [
        data(rows)
        .mark_rect(opacity=0.13)
        .encode(x="t:Q", x2="end:Q", fill=alt.Fill("mode:N", scale=mode_scale(dataset.modes), legend=None))
    ]
    if profiled:
        begin = data([{"t": min(cell.started_s for cell in profiled), "text": "profiled pass"}])
        bands.append(begin.mark_rule(color=SOFT).encode(x="t:Q"))
        bands.append(
            begin.mark_text(align="right", baseline="top", dx=-5, color=INK).encode(
                x="t:Q", y=alt.value(2), text="text:N"
            )
        )
    return bands


def _band(cell: Cell) -> Row:
    return {"mode": cell.mode, "t": round(cell.started_s, 2), "end": round(cell.started_s + cell.wall_s, 2)}


def _colour(dataset: Dataset, process: str) -> str:
    if process in dataset.modes:
        return mode_colour(dataset.modes.index(process))
    return INK if process == "load" else SOFT
