"""Disturbances are shown as limits with counts, and a round that lacks a mode still counts for the others."""

import dataclasses
from pathlib import Path

import pytest

from profiles.store.records import Void
from reports import page
from reports.analysis.disturbance import DisturbanceRule, above, never, steal_share
from reports.run_data import read_run
from reports.sections import disturbance_limits
from tests.reports import sliced
from tests.reports.tags import Tags

MODES = ("read-send", "sendfile", "read-whole")
STEAL = DisturbanceRule("steal", 0.02, "share", "stolen", steal_share, above(0.25))
NEVER = dataclasses.replace(STEAL, name="never repeated", repeat_above=never, voids=True)


def test_each_limit_says_in_how_many_rounds_it_was_exceeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = sliced.run(MODES)
    shares = {1: 0.3, 2: 0.05, 5: 0.05}
    cells = [
        dataclasses.replace(
            cell,
            metrics=cell.metrics | {"steal_s": shares.get(cell.round, 0.0) * (cell.span_s or 0.0) * 2},
        )
        for cell in sliced.cells(run)
    ]
    monkeypatch.setattr(disturbance_limits, "RULES", (STEAL, NEVER))
    text = Tags(disturbance_limits.render(read_run(sliced.write(tmp_path, run, cells)))).text
    assert "steal2 %325 %130 %round 1, " in text
    assert "never repeated2 % (void)3never30 %" in text


def test_a_round_that_lacks_a_mode_counts_for_the_others(tmp_path: Path) -> None:
    run = sliced.run(MODES, voids=(Void(4, "sendfile", "its server died"),))
    cells = [cell for cell in sliced.cells(run) if (cell.round, cell.mode) != (4, "sendfile")]
    data = read_run(sliced.write(tmp_path, run, cells))
    pairs = {verdict.mode: verdict.paired for verdict in data.verdicts}
    assert [paired.rounds for paired in pairs.values() if paired] == [8, 9]
    text = Tags(page.page(data)).text
    assert "8 rounds" in text and "9 rounds of fresh servers" in text
