"""Charts show what the records hold: every round, honest rates, and nothing where nothing is known."""

import dataclasses
import json
from typing import Any

import pytest

from reports.analysis.rounds import Dataset, build
from reports.analysis.validity import check
from reports.analysis.verdict import conclude
from reports.charts import comparison, timeline
from reports.charts.theme import log_ticks
from tests.reports import synthetic


def records(rounds: int = 10, per_cell: int = 8) -> Dataset:
    run = synthetic.run(("read-send", "sendfile", "read-whole"), rounds)
    cells = synthetic.cells(run)
    return build(run, tuple(cells), (), tuple(synthetic.samples(cells, per_cell)))


def values(spec: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The rows of every layer; they travel inside the specification, so that no address is ever needed."""
    return [spec["datasets"][layer["data"]["name"]] for layer in spec["layer"]]


def test_the_forest_plot_has_every_round_of_every_mode_and_its_interval() -> None:
    of = records()
    spec = comparison.forest(of, conclude(of, check(of)), 0.02)
    assert spec is not None
    band, _, dots, estimates, *_ = values(spec)
    assert band == [{"low": 0.98, "high": 1.02}]
    assert {(row["mode"], row["round"]) for row in dots} == {
        (mode, number) for mode in ("sendfile", "read-whole") for number in range(10)
    }
    assert all(row["low"] <= row["ratio"] <= row["high"] for row in estimates)
    assert spec["layer"][2]["encoding"]["x"]["scale"]["type"] == "log"
    low, high = spec["layer"][2]["encoding"]["x"]["scale"]["domain"]
    assert all(low <= row["ratio"] <= high for row in dots) and low < 1 < high


def test_too_few_rounds_are_drawn_without_an_interval() -> None:
    of = records(3)
    spec = comparison.forest(of, conclude(of, check(of)), 0.02)
    assert spec is not None
    assert all("low" not in row and row["text"].startswith("median ") for row in values(spec)[3])


def test_nothing_known_is_nothing_drawn() -> None:
    run = synthetic.run(rounds=6)
    cells = [dataclasses.replace(cell, metrics={}) for cell in synthetic.cells(run)]
    of = build(run, tuple(cells))
    assert comparison.forest(of, conclude(of, check(of)), 0.02) is None
    assert comparison.cost(of) is comparison.throughput(of) is None
    assert timeline.chart(of, timeline.CPU_CHART) is timeline.chart(of, timeline.SWITCHES_CHART) is None


def test_thousands_of_samples_still_make_a_small_chart() -> None:
    of = records(rounds=20, per_cell=400)
    assert len(of.samples) > 70_000
    spec = timeline.chart(of, timeline.CPU_CHART)
    assert spec is not None
    assert len(json.dumps(spec)) < 300_000


def test_the_windows_of_the_cells_stand_behind_the_lines() -> None:
    of = records(2)
    spec = timeline.chart(of, timeline.SWITCHES_CHART)
    assert spec is not None
    assert {(row["mode"], row["t"]) for row in values(spec)[0]} == {(c.mode, round(c.started_s, 2)) for c in of.cells}


@pytest.mark.parametrize(("low", "high"), [(0.1, 10), (0.96, 1.04), (0.4, 1.1), (0.001, 1.02), (0.97, 8000)])
def test_a_log_axis_has_round_ticks_inside_its_range(low: float, high: float) -> None:
    ticks = log_ticks(low, high)
    assert 3 <= len(ticks) <= 24
    assert all(low <= tick <= high for tick in ticks)


def test_a_wild_round_does_not_flatten_the_others() -> None:
    of = records()
    wild = dataclasses.replace(of.cells[0], metrics=of.cells[0].metrics | {"server_cpu_s_per_gib": 500.0})
    of = build(of.run, (wild, *of.cells[1:]))
    edge, beyond = comparison.cost_edge(of)
    spec = comparison.cost(of)
    assert spec is not None and beyond == [500.0]
    assert 1.7 < edge < 5
    assert all(row["cpu"] <= edge for row in values(spec)[1]) and len(values(spec)[1]) == 29
