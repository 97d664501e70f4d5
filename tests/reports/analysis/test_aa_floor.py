"""The A/A floor: from a duplicate that no table shows, it widens δ, and it is kept for the same conditions only."""

import dataclasses
from pathlib import Path

import pytest

from profiles.store import aa_floors
from profiles.store.records import Cell, Floor, Run
from reports import page
from reports.analysis.aa_floor import conditions, effective_floor, floor_of_run
from reports.analysis.rounds import PRIMARY, build
from reports.analysis.validity import check
from reports.analysis.verdict import conclude, delta
from reports.run_data import read_run
from tests.reports import synthetic
from tests.reports.tags import Tags

AGAIN = "read-send-again"


def calibrated(factor: float = 1.0) -> tuple[Run, list[Cell]]:
    """Two modes and the baseline's duplicate, which costs `factor` times the baseline."""
    run = synthetic.run(("read-send", "sendfile", AGAIN), duplicate=AGAIN)
    cells = [
        synthetic.bare_cell(c.mode, c.round, c.position, **{PRIMARY: (c.metrics[PRIMARY] or 0) * factor})
        if c.mode == AGAIN
        else c
        for c in synthetic.cells(run)
    ]
    return run, cells


def test_the_floor_is_how_far_the_duplicates_interval_reaches_from_1() -> None:
    run, cells = calibrated()
    floor = floor_of_run(build(run, tuple(cells)))
    assert floor is not None and floor.holds_one and floor.rounds == 10
    assert floor.reach == max(1 - floor.low, floor.high - 1) < 0.03
    assert Floor(0.97, 1.01, 10, "r", "").reach == pytest.approx(0.03)


def test_the_duplicate_is_never_judged_and_costs_no_confidence() -> None:
    run, cells = calibrated()
    records = build(run, tuple(cells))
    (verdict,) = conclude(records, check(records))
    assert run.modes == records.modes == ("read-send", "sendfile")
    assert verdict.mode == "sendfile" and "95 % CI" in verdict.sentence


def test_equals_that_differ_widen_delta_are_said_and_calibrate_nothing() -> None:
    run, cells = calibrated(1.06)
    records = build(run, tuple(cells))
    floor = effective_floor(records)
    assert floor is not None and not floor.holds_one and 0.05 < floor.reach < 0.08
    assert any("the A/A check failed" in finding.text for finding in check(records).of("caution"))
    assert delta(floor.reach) > 0.05


def test_a_floor_wider_than_two_percent_takes_a_small_difference_back() -> None:
    run = synthetic.run(floor=Floor(0.94, 1.03, 10, "earlier", "2025-01-01"))
    cells = [
        synthetic.bare_cell(mode, number, 1, **{PRIMARY: 0.955 if mode == "sendfile" else 1.0})
        for number in range(1, 11)
        for mode in run.modes
    ]
    records = build(run, tuple(cells))
    assert conclude(records, check(records))[0].kind == "less"
    floor = effective_floor(records)
    assert floor is not None
    assert (
        conclude(records, check(records), floor.reach)[0].sentence == "no difference beyond ±6 % (0.95x [0.95, 0.95])"
    )


def test_a_floor_is_kept_for_the_same_conditions_only_and_the_newest_counts(tmp_path: Path) -> None:
    run = synthetic.run()
    assert aa_floors.load_floor(tmp_path, conditions(run)) is None
    for high in (1.05, 1.03):
        aa_floors.save_floor(tmp_path, conditions(run), Floor(0.99, high, 10, "r", "2025-01-01"))
    found = aa_floors.load_floor(tmp_path, conditions(dataclasses.replace(run, name="later", seed=9)))
    assert found is not None and found.high == 1.03
    assert aa_floors.load_floor(tmp_path, conditions(dataclasses.replace(run, users=8))) is None
    sliced = dataclasses.replace(run, slice_s=0.15, sweeps=3)
    assert aa_floors.load_floor(tmp_path, conditions(sliced)) is None
    aa_floors.save_floor(tmp_path, conditions(sliced), Floor(0.99, 1.02, 10, "r", "2025-01-01"))
    begun = dataclasses.replace(sliced, sweeps=0)  # a run that begins does not know its sweeps yet
    found = aa_floors.load_floor(tmp_path, conditions(begun))
    assert found is not None and found.high == 1.02
    other = dataclasses.replace(run, host=run.host | {"cpu_model": "another"})
    assert aa_floors.load_floor(tmp_path, conditions(other)) is None


def test_the_page_shows_the_floor_once_and_no_duplicate_in_its_tables(tmp_path: Path) -> None:
    run, cells = calibrated()
    data = read_run(synthetic.write(tmp_path, run, cells, flame=None, sampled=False))
    text = Tags(page.page(data)).text
    assert "for two equals, in this run" in text
    glance = text[text.rindex("Key numbers") :][:400]
    assert "sendfile" in glance and AGAIN not in glance


def test_a_kept_floor_is_shown_with_its_run_and_date(tmp_path: Path) -> None:
    run = synthetic.run(floor=Floor(0.96, 1.03, 10, "calm-night", "2025-01-01T03:00:00+00:00"))
    data = read_run(synthetic.write(tmp_path, run, flame=None, sampled=False))
    assert data.delta == 0.04
    assert "in run calm-night, 2025-01-01T03:00:00+00:00" in Tags(page.page(data)).text
