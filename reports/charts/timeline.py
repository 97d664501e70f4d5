"""Records → chart specifications: what the processes did over the time of the run.

Its rule: the measured windows stand behind the lines, so that nobody takes a warm-up for a result.
"""

from collections.abc import Iterator

import altair as alt

from profiles.store.records import Cell, Sample
from reports.analysis.rounds import Dataset
from reports.analysis.sample_rates import CPU, SWITCHES, Counters, Rate, rates
from reports.charts.theme import INK, SOFT, TIPS, Row, Spec, data, finished
from reports.templating import mode_colour

MOST_ROWS = 2400
LOAD, MACHINE = "load generator", "whole machine"
_SHOWN_AS = {"load": LOAD, "machine": MACHINE}


def thinning(samples: tuple[Sample, ...], processes: tuple[str, ...]) -> int:
    """Every how many-th sample is kept, so that a chart stays small enough for a page."""
    count = sum(sample.process in processes for sample in samples)
    return max(1, -(-count // MOST_ROWS))


def cpu_processes(dataset: Dataset) -> tuple[str, ...]:
    return (*dataset.modes, "load", "machine")


def switching_processes(dataset: Dataset) -> tuple[str, ...]:
    return (*dataset.modes, "load")


def cpu(dataset: Dataset) -> Spec | None:
    return _chart(dataset, cpu_processes(dataset), CPU, "cores busy", "CPU of every process over the run")


def switches(dataset: Dataset) -> Spec | None:
    title = "context switches of every process over the run"
    return _chart(dataset, switching_processes(dataset), SWITCHES, "context switches per second", title)


def _chart(
    dataset: Dataset, processes: tuple[str, ...], choices: tuple[Counters, ...], unit: str, title: str
) -> Spec | None:
    samples = tuple(sample for sample in dataset.samples if sample.process in processes)
    every, shortest_s = thinning(samples, processes), dataset.run.sample_interval_s / 2
    found = list(rates(samples, choices, every=every, shortest_s=shortest_s))
    if not found:
        return None
    shown = {rate.process for rate in found}
    labels = [_SHOWN_AS.get(process, process) for process in processes if process in shown]
    colours = [_colour(dataset, process) for process in processes if process in shown]
    dashes = [[1, 0] if process in dataset.modes else [4, 3] if process == "load" else [1, 3] for process in processes]
    dashes = [dash for dash, process in zip(dashes, processes, strict=True) if process in shown]
    process = alt.Color("process:N", scale=alt.Scale(domain=labels, range=colours))
    dash = alt.StrokeDash("process:N", scale=alt.Scale(domain=labels, range=dashes))
    x = alt.X("t:Q", axis=alt.Axis(title="seconds since the run began", grid=False), scale=alt.Scale(nice=False))
    y = alt.Y("rate:Q", axis=alt.Axis(title=unit, tickCount=5))
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
        .encode(x=x, y=y, tooltip=["process:N", alt.Tooltip("t:Q", title="s"), alt.Tooltip("rate:Q", title=unit)])
        .properties(name=TIPS),
    ]
    return finished(alt.layer(*layers), 240, title)


def _rows(found: list[Rate]) -> Iterator[Row]:
    """One row per interval at its start; one more where a line ends, so that its last step is as long as it was."""
    for index, rate in enumerate(found):
        shown_as = _SHOWN_AS.get(rate.process, rate.process)
        value = float(f"{rate.per_s:.4g}")
        yield {"process": shown_as, "pid": rate.pid, "t": round(rate.start_s, 2), "rate": value}
        following = found[index + 1] if index + 1 < len(found) else None
        if following is None or (following.process, following.pid) != (rate.process, rate.pid):
            yield {"process": shown_as, "pid": rate.pid, "t": round(rate.end_s, 2), "rate": value}


def _bands(dataset: Dataset) -> list[alt.Chart]:
    """The measured windows in their mode's colour, and where the profile pass begins."""
    profiled = [profile.cell for profile in dataset.profiles]
    rows = [_band(cell) for cell in (*dataset.cells, *profiled) if cell.mode in dataset.modes]
    colours = [mode_colour(index) for index in range(len(dataset.modes))]
    scale = alt.Scale(domain=list(dataset.modes), range=colours)
    bands = [
        data(rows)
        .mark_rect(opacity=0.13)
        .encode(x="t:Q", x2="end:Q", fill=alt.Fill("mode:N", scale=scale, legend=None))
    ]
    if profiled:
        begin = data([{"t": min(cell.started_s for cell in profiled), "text": "profile pass"}])
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
