"""The charts over time: what was sampled, or one point per mode and round where modes take turns too fast to follow."""

import dataclasses
from typing import Any

import pytest

from profiles.store.records import Cell
from reports.analysis.bottleneck import cores
from reports.analysis.rounds import build
from reports.charts import timeline
from reports.charts.theme import Spec
from tests.reports import sliced, synthetic


def drawn(spec: Spec | None) -> list[dict[str, Any]]:
    assert spec is not None
    return max(spec["datasets"].values(), key=len)


def chart(cells: list[Cell], kind: timeline.Kind = timeline.CPU_CHART, **changes: Any) -> Spec | None:
    return timeline.chart(build(sliced.run(rounds=6, **changes), tuple(cells)), kind)


def test_a_run_of_slices_has_one_point_per_mode_and_round() -> None:
    cells = sliced.cells(sliced.run(rounds=6))
    rows = drawn(chart(cells))
    found = {(row["process"], row["round"]): row["rate"] for row in rows}
    assert len(found) == len(rows) == 6 * 4, "two modes, the load generator and the machine"
    for cell in cells:
        assert found[cell.mode, cell.round] == pytest.approx(cores(cell, "server"), rel=1e-3)


def test_the_machine_counts_from_reading_to_reading_and_the_load_within_slices() -> None:
    cells = [dataclasses.replace(cell, span_s=2 * cell.wall_s) for cell in sliced.cells(sliced.run(rounds=6))]
    found = {(row["process"], row["round"]): row["rate"] for row in drawn(chart(cells))}
    first = [cell for cell in cells if cell.round == 1]
    client_s = sum((cores(cell, "client") or 0.0) * cell.wall_s for cell in first)
    slices_s = sum(cell.wall_s for cell in first)
    whole = sum((cell.metrics["machine_cpu_s_per_gib"] or 0.0) * cell.received_bytes / 2**30 for cell in first)
    assert found[timeline.LOAD, 1] == pytest.approx(client_s / slices_s, rel=1e-3)
    assert found[timeline.MACHINE, 1] == pytest.approx(whole / (2 * slices_s), rel=1e-3)


def test_what_is_unknown_has_no_point_and_no_process_a_name() -> None:
    unknown: dict[str, float | None] = {"server_user_s": None, "machine_cpu_s_per_gib": None}
    cells = sliced.cells(sliced.run(rounds=6))
    cells[0] = dataclasses.replace(cells[0], metrics=cells[0].metrics | unknown)
    rows = drawn(chart(cells))
    assert (cells[0].mode, 1) not in {(row["process"], row["round"]) for row in rows}
    assert (timeline.MACHINE, 1) not in {(row["process"], row["round"]) for row in rows}
    assert chart([dataclasses.replace(cell, metrics={}) for cell in cells]) is None


def test_switches_are_those_of_the_servers_alone() -> None:
    rows = drawn(chart(sliced.cells(sliced.run(rounds=6)), timeline.SWITCHES_CHART))
    assert {row["process"] for row in rows} == {"read-send", "sendfile"}


def test_a_run_of_windows_has_its_samples_over_time() -> None:
    run = synthetic.run(rounds=6)
    cells = synthetic.cells(run)
    spec = timeline.chart(build(run, tuple(cells), samples=tuple(synthetic.samples(cells))), timeline.CPU_CHART)
    assert {"t", "pid", "rate"} <= set(drawn(spec)[0])
