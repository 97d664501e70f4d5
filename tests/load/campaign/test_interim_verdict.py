"""What is said of a campaign under way is what the report would say of the rounds that there are."""

import statistics
from dataclasses import replace
from typing import Any

import pytest

from load.campaign.interim_verdict import Interim, interim_verdict
from profiles.store.records import Repeat
from reports.analysis.rounds import build
from tests.reports import synthetic


def interim(rounds: int, stolen: int = 0, **changes: Any) -> Interim:
    """Of a run of two modes, in whose first rounds a fifth of the machine was stolen."""
    run = synthetic.run(rounds=rounds, **changes)
    cells = [
        replace(cell, metrics=cell.metrics | {"steal_s": 0.4 * cell.wall_s if cell.round < stolen else 0.0})
        for cell in synthetic.cells(run)
    ]
    return interim_verdict(build(run, tuple(cells)))


def test_before_the_first_round_there_is_no_ratio() -> None:
    found = interim(0)
    (mode,) = found.modes
    assert (found.rounds, mode.kind, mode.ratio, mode.ratios) == (0, "none", None, {})


def test_of_few_rounds_it_is_the_median_and_of_enough_the_estimate_with_its_interval() -> None:
    few, enough = interim(4), interim(10, precision=0.03)
    (early,), (late,) = few.modes, enough.modes
    assert (early.kind, early.low, early.high, early.half_width) == ("none", None, None, None)
    assert early.ratio == pytest.approx(statistics.median(early.ratios.values()))
    assert f"(the median of the rounds is {early.ratio:.2f}x)" in early.sentence
    assert late.ratio and late.low and late.high
    assert late.kind == "less" and late.low < late.ratio < late.high
    assert late.half_width == pytest.approx((late.high / late.low - 1) / 2, rel=0.05)
    assert len(late.ratios) == 10 and enough.precision == 0.03


def test_rounds_with_steal_are_counted_and_stand_where_the_clock_leaves_it_out() -> None:
    found = interim(5, stolen=3, clock_excludes_steal=True)
    assert (found.rounds, found.stolen, found.stands) == (5, 3, True)
    assert not interim(5, stolen=3, clock_excludes_steal=None).stands


def test_the_ranking_is_there_as_soon_as_the_intervals_are() -> None:
    assert interim(4).ranking == ()
    assert interim(10).ranking[0] == "cheapest: sendfile; then read-send"


def test_what_speaks_against_the_numbers_stands_beside_them_once() -> None:
    cautions = interim(5, stolen=3, clock_excludes_steal=True).cautions
    assert len([text for text in cautions if text.startswith("caution: steal above 2 %")]) == 1
    assert len({*cautions}) == len(cautions)


def test_when_every_round_was_disturbed_repeats_are_among_the_rounds_that_there_can_be() -> None:
    """Then repeats are judged, too: never more rounds than there are at most."""
    repeats = tuple(Repeat(number + 1, number) for number in (1, 3))
    found = interim(4, stolen=5, clock_excludes_steal=False, rounds_planned=2, repeats=repeats)
    assert (found.rounds, found.planned) == (4, 4)
