"""What the page says of a campaign under way is what the report would say of the rounds that there are."""

import statistics
from pathlib import Path

import pytest

from load.web.interim_verdict import interim_verdict
from profiles.store.run_folder import RunFolder
from tests.reports import synthetic


def test_nothing_is_said_before_there_is_a_record(tmp_path: Path) -> None:
    assert interim_verdict(RunFolder(tmp_path / "none")) is None


def test_of_few_rounds_it_is_the_median_and_of_enough_the_estimate_with_its_interval(tmp_path: Path) -> None:
    few = interim_verdict(synthetic.write(tmp_path / "few", synthetic.run(rounds=4)))
    enough = interim_verdict(synthetic.write(tmp_path / "enough", synthetic.run(rounds=10)))
    assert few and enough
    (early,), (late,) = few.modes, enough.modes
    assert (early.kind, early.low, early.high) == ("none", None, None)
    assert early.ratio == pytest.approx(statistics.median(early.ratios.values()))
    assert f"(the median of the rounds is {early.ratio:.2f}x)" in early.sentence
    assert late.ratio and late.low and late.high
    assert late.kind == "less" and late.low < late.ratio < late.high
    assert len(late.ratios) == 10
