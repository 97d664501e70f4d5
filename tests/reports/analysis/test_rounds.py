"""Records are put in order, incomplete rounds stay out, and what is unknown stays unknown."""

import dataclasses

import pytest

from errors import UserError
from reports.analysis.bottleneck import cores
from reports.analysis.rounds import PRIMARY, build, precise, value
from tests.reports import synthetic
from units import GIB


def test_only_rounds_in_which_every_mode_ran_are_compared() -> None:
    run = synthetic.run(rounds=4)
    cells = [cell for cell in synthetic.cells(run) if (cell.round, cell.mode) != (3, "sendfile")]
    records = build(run, tuple(cells))
    assert [cells["sendfile"].round for cells in records.rounds] == [0, 1, 2]
    assert records.incomplete == (3,)
    assert len(records.pairs("sendfile", PRIMARY)) == 3


def test_a_cell_that_was_lost_costs_no_other_mode_its_pair() -> None:
    run = synthetic.run(("read-send", "sendfile", "read-whole"), rounds=4)
    cells = [
        cell for cell in synthetic.cells(run) if (cell.round, cell.mode) not in ((1, "sendfile"), (2, "read-send"))
    ]
    records = build(run, tuple(cells))
    assert [list(found) for found in records.rounds] == [list(run.modes), ["read-send", "read-whole"], list(run.modes)]
    assert len(records.pairs("read-whole", PRIMARY)) == 3
    assert len(records.pairs("sendfile", PRIMARY)) == len(records.cells_of("sendfile")) == 2
    assert len(records.pairs("read-whole", PRIMARY, against="sendfile")) == 2
    assert records.incomplete == (2,)


def test_precision_waits_for_every_mode_that_can_still_get_a_verdict() -> None:
    run = synthetic.run(("read-send", "sendfile", "read-whole"), rounds=9)
    cells = tuple(synthetic.cells(run))
    records = build(run, cells)
    assert records.confidence == 0.975
    assert precise(records, 0.10) and not precise(records, 0.001) and not precise(records, 0)
    noisy = tuple(
        dataclasses.replace(c, metrics=c.metrics | {PRIMARY: 2.0**c.round}) if c.mode == "sendfile" else c
        for c in cells
    )
    assert not precise(build(run, noisy), 0.10)
    failed = tuple(dataclasses.replace(c, failures=1) if c.mode == "sendfile" else c for c in noisy)
    assert precise(build(run, failed), 0.10), "a void mode is not waited for"
    assert precise(build(run, tuple(c for c in cells if c.mode != "sendfile")), 0.10)
    assert not precise(build(run, tuple(c for c in cells if c.mode == "read-send")), 0.10)


def test_the_order_of_the_lines_does_not_matter() -> None:
    run = synthetic.run(rounds=6)
    cells = synthetic.cells(run)
    assert build(run, tuple(cells)).rounds == build(run, tuple(reversed(cells))).rounds


def test_an_unknown_value_is_left_out_and_counted() -> None:
    run = synthetic.run(rounds=3)
    cells = synthetic.cells(run)
    cells[0] = dataclasses.replace(cells[0], metrics=cells[0].metrics | {PRIMARY: None})
    records = build(run, tuple(cells))
    spread = records.spread(cells[0].mode, PRIMARY)
    assert spread is not None and (spread.known, spread.rounds) == (2, 3)
    assert len(records.pairs("sendfile", PRIMARY)) == 2
    assert records.spread("sendfile", "no_such_metric") is None


def test_per_gib_divides_by_the_bytes_that_arrived() -> None:
    cell = synthetic.cell("sendfile", 1, 0, received_bytes=4 * GIB, metrics={"minor_faults": 100.0, "unknown": None})
    assert value(cell, "minor_faults", per_gib=True) == 25
    assert value(cell, "unknown", per_gib=True) is None
    assert value(dataclasses.replace(cell, received_bytes=0), "minor_faults", per_gib=True) is None


def test_cores_are_cpu_seconds_of_a_side_per_second_of_the_window() -> None:
    cell = synthetic.cell("sendfile", 1, 0, wall_s=2.0, metrics={"client_user_s": 0.5, "client_system_s": 1.2})
    assert cores(cell, "client") == pytest.approx(0.85)
    assert cores(cell, "server") is None


def test_switches_are_unknown_where_one_kind_is() -> None:
    run = synthetic.run(rounds=1)
    cells = synthetic.cells(run)
    half = [dataclasses.replace(cell, metrics=cell.metrics | {"involuntary_switches": None}) for cell in cells]
    assert build(run, tuple(cells)).switches("sendfile") is not None
    assert build(run, tuple(half)).switches("sendfile") is None


def test_records_that_contradict_each_other_are_refused_with_the_place() -> None:
    run = synthetic.run(rounds=2)
    cells = synthetic.cells(run)
    with pytest.raises(UserError, match="round 0 of 'read-send' twice"):
        build(run, (*cells, next(cell for cell in cells if cell.mode == "read-send")))
    with pytest.raises(UserError, match="'splice', which is not among its targets"):
        build(run, (*cells, synthetic.cell("splice", 2, 2)))
    with pytest.raises(UserError, match="'other', which is not among its targets"):
        build(dataclasses.replace(run, baseline="other"), tuple(cells))
