"""Does it matter? Seconds per GiB become cores and core-hours, with the interval that the rounds allow."""

import dataclasses
from pathlib import Path

import pytest
from scipy import stats

from reports import page
from reports.analysis.rounds import PRIMARY
from reports.analysis.savings import core_hours, cores, saving
from reports.sections import checklist, traffic_savings
from tests.reports import several_runs, synthetic
from tests.reports.tags import Tags


def test_86400_seconds_of_cpu_a_day_are_one_core_and_24_core_hours() -> None:
    assert cores(0.5, 172_800) == pytest.approx(1)
    assert core_hours(0.5, 172_800) == pytest.approx(24)


def test_the_interval_holds_just_the_differences_that_the_test_does_not_reject(tmp_path: Path) -> None:
    run = several_runs.read(tmp_path, "a", rounds=10, modes=("read-send", "sendfile"))
    found = saving(run.dataset, "sendfile")
    assert found is not None and found.low is not None and found.high is not None
    assert found.low < found.s_per_gib < found.high and found.s_per_gib == pytest.approx(0.296, rel=0.05)
    differences = [baseline - mode for mode, baseline in run.dataset.pairs("sendfile", PRIMARY)]
    for edge, outwards in ((found.low, -1e-9), (found.high, 1e-9)):
        for shift, rejected in ((edge + outwards, True), (edge - outwards, False)):
            p = stats.wilcoxon([difference - shift for difference in differences], method="exact").pvalue
            assert bool(p <= 0.05) is rejected


def test_a_dearer_mode_saves_less_than_nothing_and_few_rounds_have_no_interval(tmp_path: Path) -> None:
    dearer = saving(several_runs.read(tmp_path, "a").dataset, "read-whole")
    assert dearer is not None and dearer.high is not None and dearer.high < 0
    few = saving(several_runs.read(tmp_path, "b", rounds=4).dataset, "sendfile")
    assert few is not None and few.s_per_gib > 0 and (few.low, few.high) == (None, None)
    assert "too few rounds for an interval" in traffic_savings.render(several_runs.read(tmp_path, "c", rounds=4))


def test_the_traffic_is_the_runs_or_the_reports_or_an_example_that_says_so(tmp_path: Path) -> None:
    run = several_runs.read(tmp_path, "a")
    assert "10,000 GiB a day, which is an example" in Tags(traffic_savings.render(run)).text
    asked = dataclasses.replace(run, run=dataclasses.replace(run.run, gib_per_day=864_000.0))
    text = Tags(traffic_savings.render(asked)).text
    assert "864,000 GiB a day" in text and "example" not in text
    assert "at 864,000 GiB a day" in checklist.render(asked)
    stored = synthetic.write(tmp_path, synthetic.run(rounds=6, name="kept", gib_per_day=5000.0), sampled=False)
    _, path = page.report(stored, tmp_path / "reports")
    assert "5,000 GiB a day" in path.read_text()
    _, path = page.report(stored, tmp_path / "reports", 7000.0)
    assert "7,000 GiB a day" in path.read_text() and stored.read_run().gib_per_day == 5000.0


def test_the_checklist_says_where_a_saving_may_be_chance(tmp_path: Path) -> None:
    text = Tags(
        checklist.render(several_runs.read(tmp_path, "a", rounds=8, modes=("read-send", "sendfile", "mmap-send")))
    ).text
    assert "fewer cores all day than read-send.mmap-send needs" in text
    assert text.count("may be chance: the interval contains 0") == 1
    assert "(too few rounds for an interval)" in checklist.render(several_runs.read(tmp_path, "b", rounds=4))


def test_void_modes_save_nothing(tmp_path: Path) -> None:
    text = traffic_savings.render(several_runs.read(tmp_path, "a", failing="sendfile"))
    assert "read-whole" in text and "sendfile" not in text
    assert traffic_savings.render(several_runs.read(tmp_path, "b", failing="read-send")) == ""
