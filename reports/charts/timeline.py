"""Charts of what the processes did during the run, as Vega-Lite specifications.

Its rule: what is drawn is what was measured. A run of slices, in which the modes take turns of tenths of a second, has
one point per mode and round. A run of windows has its samples, with the windows behind the lines, so that nobody takes
a warm-up for a result.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import altair as alt

from profiles.store.records import Cell, Sample
from reports.analysis.rounds import Dataset
from reports.analysis.sample_rates import CPU, SWITCHES, Counters, Rate, rates
from reports.charts.theme import INK, SOFT, TIPS, Row, Spec, data, finished, mode_scale
from reports.mode_names import mode_colours, plain
from units import GIB

MOST_ROWS = 2400
LOAD, MACHINE = "load generator", "whole machine"
_SHOWN_AS = {"load": LOAD, "machine": MACHINE}

Amount = Callable[[Cell], float | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """counters: what is drawn of the samples, as a rate in this unit. server: the same of a cell. others: processes
    that are drawn besides the modes, with the same of a cell, None where cells do not say it."""

    counters: tuple[Counters, ...]
    server: Amount
    others: dict[str, Amount | None]
    unit: str
    title: str


def _sum(*metrics: str) -> Amount:
    def amount(cell: Cell) -> float | None:
        known = [value for name in metrics if (value := cell.metrics.get(name)) is not None]
        return sum(known) if len(known) == len(metrics) else None

    return amount


def _machine_cpu_s(cell: Cell) -> float | None:
    s_per_gib = cell.metrics.get("machine_cpu_s_per_gib")
    return None if s_per_gib is None else s_per_gib * cell.received_bytes / GIB


CPU_CHART = Kind(
    CPU,
    _sum("server_user_s", "server_system_s"),
    {"load": _sum("client_user_s", "client_system_s"), "machine": _machine_cpu_s},
    "busy cores",
    "CPU of every process during the run",
)
SWITCHES_CHART = Kind(
    SWITCHES,
    _sum("voluntary_switches", "involuntary_switches"),
    {"load": None},
    "context switches per second",
    "context switches of every process during the run",
)


def thinning(dataset: Dataset, kind: Kind) -> int:
    """n, where every n-th sample is drawn so that the chart is small enough for a page."""
    return max(1, -(-len(_samples(dataset, kind)) // MOST_ROWS))


def _samples(dataset: Dataset, kind: Kind) -> tuple[Sample, ...]:
    drawn = {*dataset.modes, *kind.others}
    return tuple(sample for sample in dataset.samples if sample.process in drawn)


def chart(dataset: Dataset, kind: Kind) -> Spec | None:
    return _over_time(dataset, kind) if dataset.run.slice_s is None else _by_round(dataset, kind)


def _by_round(dataset: Dataset, kind: Kind) -> Spec | None:
    rows = list(_points(dataset, kind))
    if not rows:
        return None
    axis = alt.Axis(title="round", grid=False, tickMinStep=1, format="d")
    x = alt.X("round:Q", axis=axis, scale=alt.Scale(nice=False, zero=False, padding=12))
    base, colour, dash, y = _parts(dataset, kind, rows)
    chosen, opacity = _highlight()
    tooltip = ["process:N", "round:Q", alt.Tooltip("rate:Q", title=kind.unit)]
    layers = [
        base.mark_line(strokeWidth=1.2)
        .encode(x=x, y=y, color=colour, strokeDash=dash, opacity=opacity)
        .add_params(chosen),
        base.mark_point(size=36, filled=True).encode(x=x, y=y, color=colour, opacity=opacity, tooltip=tooltip),
    ]
    return finished(alt.layer(*layers), 240, kind.title)


def _points(dataset: Dataset, kind: Kind) -> Iterator[Row]:
    """A point per mode and round, and one per round of everything else, over the slices of all modes."""
    cells = sorted((cell for cell in dataset.cells if cell.mode in dataset.modes), key=lambda cell: cell.round)
    for number, group in groupby(cells, key=lambda cell: cell.round):
        of_round = list(group)
        drawn = [(cell.mode, _rate([cell], kind.server)) for cell in of_round]
        for name, amount in kind.others.items():
            drawn += [(_SHOWN_AS[name], _rate(of_round, amount, whole=name == "machine"))] if amount else []
        for process, rate in drawn:
            if rate is not None:
                yield {"process": process, "round": number, "rate": float(f"{rate:.4g}")}


def _rate(cells: Sequence[Cell], amount: Amount, *, whole: bool = False) -> float | None:
    """whole: per second between the readings of the counters, not of the slices alone."""
    passed_s = sum((cell.span_s if whole else None) or cell.wall_s for cell in cells)
    known = [each for cell in cells if (each := amount(cell)) is not None]
    return sum(known) / passed_s if len(known) == len(cells) and passed_s > 0 else None


def _over_time(dataset: Dataset, kind: Kind) -> Spec | None:
    every, shortest_s = thinning(dataset, kind), dataset.run.sample_interval_s / 2
    found = list(rates(_samples(dataset, kind), kind.counters, every=every, shortest_s=shortest_s))
    if not found:
        return None
    x = alt.X("t:Q", axis=alt.Axis(title="seconds since the start of the run", grid=False), scale=alt.Scale(nice=False))
    lines, colour, dash, y = _parts(dataset, kind, list(_rows(found)))
    chosen, opacity = _highlight()
    layers = [
        *_bands(dataset),
        lines.mark_line(interpolate="step-after", strokeWidth=1.6)
        .encode(x=x, y=y, color=colour, strokeDash=dash, detail="pid:N", opacity=opacity)
        .add_params(chosen),
        lines.mark_point(opacity=0, size=60)
        .encode(x=x, y=y, tooltip=["process:N", alt.Tooltip("t:Q", title="s"), alt.Tooltip("rate:Q", title=kind.unit)])
        .properties(name=TIPS),
    ]
    return finished(alt.layer(*layers), 240, kind.title)


def _parts(dataset: Dataset, kind: Kind, rows: list[Row]) -> tuple[alt.Chart, alt.Color, alt.StrokeDash, alt.Y]:
    """What both charts draw alike: the rows, a colour and a dash for each process in them, and the axis of the rate."""
    there = {row["process"] for row in rows}
    colours = mode_colours(dataset.modes) | {LOAD: INK, MACHINE: SOFT}
    dashes = {mode: [1, 0] if mode == plain(mode) else [6, 2] for mode in dataset.modes} | {
        LOAD: [4, 3],
        MACHINE: [1, 3],
    }
    shown = [name for name in colours if name in there]
    colour = alt.Color("process:N", scale=alt.Scale(domain=shown, range=[colours[name] for name in shown]))
    dash = alt.StrokeDash("process:N", scale=alt.Scale(domain=shown, range=[dashes[name] for name in shown]))
    return data(rows), colour, dash, alt.Y("rate:Q", axis=alt.Axis(title=kind.unit, tickCount=5))


def _highlight() -> tuple[alt.Parameter, Any]:
    """A click on a name of the legend leaves the other lines faint."""
    chosen = alt.selection_point(fields=["process"], bind="legend")
    return chosen, alt.condition(chosen, alt.value(1), alt.value(0.08))


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
