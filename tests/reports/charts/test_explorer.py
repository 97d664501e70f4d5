"""Whatever a reader chooses was computed by the same arithmetic as the verdicts, and a void mode cannot be chosen."""

import dataclasses
import json
import math
from pathlib import Path

from profiles.store.run_folder import RunFolder
from reports.analysis.paired_ratio import paired_ratio
from reports.analysis.text import interval
from reports.charts.explorer import DECLARED, EXPLORATORY, choices
from reports.run_data import read_run
from tests.reports import synthetic

MODES = ("read-send", "sendfile", "read-whole")


def stored(folder: Path, rounds: int = 6) -> RunFolder:
    return synthetic.write(folder, synthetic.run(MODES, rounds), flame=None, sampled=False)


def test_every_pair_of_every_metric_has_the_interval_of_paired_rounds(tmp_path: Path) -> None:
    run = read_run(stored(tmp_path))
    offered = choices(run)
    assert list(offered["metrics"]) == [metric.name for metric in (DECLARED, *EXPLORATORY)]
    for metric in (DECLARED, *EXPLORATORY):
        for baseline in MODES:
            compared = offered["compared"][metric.name][baseline]
            assert list(compared) == [mode for mode in MODES if mode != baseline]
            for mode, (ratio, low, high, text) in compared.items():
                expected = paired_ratio(run.dataset.pairs(mode, metric.name, per_gib=metric.per_gib, against=baseline))
                assert math.isclose(ratio, expected.ratio, rel_tol=1e-5)
                assert expected.low is not None and expected.high is not None
                assert low <= ratio <= high
                assert text == interval(expected.ratio, expected.low, expected.high)


def test_the_other_way_round_is_the_inverse(tmp_path: Path) -> None:
    compared = choices(read_run(stored(tmp_path)))["compared"]["gib_per_s"]
    there, back = compared["read-send"]["sendfile"], compared["sendfile"]["read-send"]
    assert math.isclose(there[0] * back[0], 1, rel_tol=1e-4)
    assert math.isclose(there[1] * back[2], 1, rel_tol=1e-4)


def test_too_few_rounds_have_a_median_and_no_interval(tmp_path: Path) -> None:
    found = choices(read_run(stored(tmp_path, 2)))["compared"]["gib_per_s"]["read-send"]["sendfile"]
    assert found[1:3] == [None, None] and found[3].startswith("median ")


def test_a_void_mode_cannot_be_chosen(tmp_path: Path) -> None:
    run = synthetic.run(MODES, 6)
    cells = [
        dataclasses.replace(cell, failures=1, failure_names={"reset": 1}) if cell.mode == "read-whole" else cell
        for cell in synthetic.cells(run)
    ]
    offered = choices(read_run(synthetic.write(tmp_path, run, cells, flame=None, sampled=False)))
    assert offered["modes"] == ["read-send", "sendfile"]
    assert "read-whole" not in json.dumps(offered)


def test_what_is_unknown_stays_unknown(tmp_path: Path) -> None:
    run = synthetic.run(MODES, 6)
    cells = [dataclasses.replace(cell, metrics=cell.metrics | {"gib_per_s": None}) for cell in synthetic.cells(run)]
    offered = choices(read_run(synthetic.write(tmp_path, run, cells, flame=None, sampled=False)))
    assert offered["values"]["gib_per_s"]["sendfile"] == [None] * 6
    assert offered["compared"]["gib_per_s"] == {mode: {} for mode in MODES}
