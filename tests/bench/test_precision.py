"""What a command's records say of its speed: reached or not, inside slices, and between them."""

from pathlib import Path

import pytest

from profiles.store.run_folder import RunFolder
from tests.bench import product_runs
from tests.bench.precision import DEFAULT, Goal, Timed, changes_s, inside_share, verdict, widest
from tests.bench.test_coverage import recorded
from tests.reports import synthetic

GOAL = Goal("goal", (), 0.05, 90.0)


@pytest.mark.parametrize(
    ("took_s", "half_width", "kept"),
    [(80, 0.04, True), (91, 0.04, False), (80, 0.06, False), (80, None, False)],
)
def test_a_run_keeps_a_bound_when_it_is_precise_in_time(took_s: float, half_width: float | None, kept: bool) -> None:
    assert Timed(took_s, half_width).keeps(GOAL) == kept
    assert Timed(took_s, None).keeps(Goal("quick", (), None, 90.0)) == (took_s <= 90)


def test_nine_of_ten_runs_must_keep_the_defaults_bound_and_half_of_them_a_median() -> None:
    kept, missed = Timed(80, 0.04), Timed(100, 0.04)
    assert verdict(DEFAULT, [kept] * 18 + [missed] * 2) == "within"
    assert verdict(DEFAULT, [kept] * 17 + [missed] * 3) == "above"
    assert verdict(GOAL, [kept, missed]) == "within"
    assert verdict(GOAL, [kept, missed, missed]) == "above"


def test_the_widest_interval_of_a_stored_run(tmp_path: Path) -> None:
    modes = ("read-send", "sendfile", "read-whole")
    run = synthetic.write(tmp_path, synthetic.run(modes, 10), flame=None, sampled=False)
    run.append(*recorded())
    read = product_runs.read(RunFolder(run.path), 12.0)
    assert read.slices == tuple(recorded()) and read.took_s == 12.0
    half_width = widest(read.records)
    assert half_width is not None and 0.005 < half_width < 0.03, "synthetic cells have 1 % of noise of their own"
    few = synthetic.write(tmp_path, synthetic.run(modes, 4, name="few"), flame=None, sampled=False)
    assert widest(product_runs.read(few, 1.0).records) is None


def test_the_time_between_slices_is_found() -> None:
    """The made-up slices last 0.14 s, follow each other in 0.15 s, and a second lies between two rounds."""
    slices = recorded(10, 4)
    assert changes_s(slices) == pytest.approx([0.01] * 10 * 15)
    assert inside_share(slices) == pytest.approx(16 * 0.14 / (16 * 0.15 + 1.0), rel=0.01)
