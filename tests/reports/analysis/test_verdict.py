"""The four sentences, word for word, and who gets which."""

import dataclasses
import math
from typing import Any

import pytest

from profiles.store.records import Cell
from reports.analysis.paired_ratio import Paired
from reports.analysis.rounds import PRIMARY, build
from reports.analysis.validity import check
from reports.analysis.verdict import Verdict, conclude, delta, more_rounds
from tests.reports import synthetic


def verdicts(ratios: dict[str, list[float]], failing: str = "", **changes: Any) -> tuple[Verdict, ...]:
    """The verdicts of a run in which each mode costs these multiples of the baseline, round by round."""
    rounds = len(next(iter(ratios.values())))
    run = synthetic.run(("read-send", *ratios), rounds, **changes)
    cells = []
    for cell in synthetic.cells(run):
        cost = ratios.get(cell.mode, [1.0] * rounds)[cell.round - 1]
        fails = int(cell.mode == failing)
        metrics = cell.metrics | {PRIMARY: cost}
        cells.append(dataclasses.replace(cell, metrics=metrics, failures=fails, failure_names={"reset": fails}))
    records = build(run, tuple(cells))
    return conclude(records, check(records))


def around(middle: float, spread: float, rounds: int = 10) -> list[float]:
    """Symmetric on the log scale, so that the estimate is the middle."""
    steps = [2 * index / (rounds - 1) - 1 for index in range(rounds)]
    return [middle * (1 + spread) ** step for step in steps]


def test_a_clear_difference() -> None:
    (verdict,) = verdicts({"sendfile": around(0.184, 0.12)})
    assert verdict.kind == "less"
    assert verdict.sentence == (
        "sendfile uses 0.18x [0.17, 0.20] the server CPU per GiB of read-send (10 rounds, 95 % CI)"
    )
    assert verdict.line == verdict.sentence


def test_a_mode_that_costs_more() -> None:
    (verdict,) = verdicts({"read-whole": around(3.7, 0.05)})
    assert verdict.kind == "more"
    assert verdict.sentence.startswith("read-whole uses 3.70x [3.60, 3.80] the server CPU per GiB of read-send")


def test_no_difference() -> None:
    (verdict,) = verdicts({"sendfile": around(0.995, 0.01)})
    assert (verdict.kind, verdict.sentence) == ("same", "no difference beyond ±2 % (0.99x [0.99, 1.00])")
    assert verdict.line == "sendfile: no difference beyond ±2 % (0.99x [0.99, 1.00])"


def test_inconclusive_says_how_many_more_rounds() -> None:
    (verdict,) = verdicts({"sendfile": around(0.94, 0.20)})
    assert verdict.kind == "inconclusive"
    assert verdict.sentence == "inconclusive: 0.94x [0.85, 1.04]; about 31 more rounds"


@pytest.mark.parametrize(
    ("half_width", "rounds", "more"),
    [
        (0.10, 10, 30),  # twice the 5 % that are aimed at: four times the rounds
        (0.075, 12, 15),
        (0.04, 10, 30),  # precise to 5 % and still undecided: now δ = 2 % is aimed at
        (0.02, 10, 1),  # never "0 more rounds"
    ],
)
def test_more_rounds_follow_the_formula(half_width: float, rounds: int, more: int) -> None:
    paired = Paired(0.97, 0.97 * math.exp(-half_width), 0.97 * math.exp(half_width), rounds, 0.95, (0.97,) * rounds)
    assert more_rounds(paired, 0.02) == more


def test_more_rounds_aim_at_the_precision_that_was_asked_for() -> None:
    paired = Paired(0.97, 0.97 * math.exp(-0.05), 0.97 * math.exp(0.05), 10, 0.95, (0.97,) * 10)
    assert more_rounds(paired, 0.02, precision=0.025) == 30
    assert more_rounds(paired, 0.02, precision=0.10) == 53, "δ where the precision was reached"


@pytest.mark.parametrize(
    ("rounds", "sentence"),
    [
        (6, "about 0.18x [0.16, 0.21] the server CPU per GiB of read-send (exploratory, 6 rounds)"),
        (4, "about 0.18x the server CPU per GiB of read-send (exploratory, median of 4 rounds)"),
    ],
)
def test_a_quick_run_gets_no_verdict_words_and_a_plain_interval(rounds: int, sentence: str) -> None:
    found = verdicts({"sendfile": around(0.184, 0.12, rounds), "read-whole": around(3, 0.05, rounds)}, quick=True)
    assert (found[0].kind, found[0].sentence) == ("exploratory", sentence)
    assert found[0].line == f"sendfile: {sentence}"
    assert all(verdict.paired is not None and verdict.paired.confidence == 0.95 for verdict in found)


def test_a_difference_inside_delta_is_not_called_one() -> None:
    """The interval excludes 1, but not 1 ± δ: significant and still too small to matter."""
    (verdict,) = verdicts({"sendfile": around(0.985, 0.002)})
    assert verdict.kind == "same"


def test_void_beats_any_number() -> None:
    (verdict,) = verdicts({"sendfile": around(0.18, 0.05)}, failing="sendfile")
    assert (verdict.kind, verdict.sentence) == ("void", "void: 10 requests failed (10 × reset)")


def test_a_void_baseline_voids_every_comparison() -> None:
    found = verdicts({"sendfile": around(0.18, 0.05), "read-whole": around(3, 0.05)}, failing="read-send")
    assert {verdict.sentence for verdict in found} == {"void: the baseline read-send: 10 requests failed (10 × reset)"}


def test_several_modes_share_the_five_percent() -> None:
    found = verdicts({"sendfile": around(0.184, 0.12), "read-whole": around(3.7, 0.05)})
    assert [verdict.mode for verdict in found] == ["sendfile", "read-whole"]
    assert all("(10 rounds, 97.5 % CI)" in verdict.sentence for verdict in found)


def test_too_few_rounds_give_no_verdict_and_say_what_is_needed() -> None:
    (verdict,) = verdicts({"sendfile": around(0.19, 0.05, 3)})
    assert verdict.kind == "none"
    assert verdict.sentence == (
        "no verdict: 3 complete rounds, 6 are needed for an interval of 95 % (the median of the rounds is 0.19x)"
    )
    first, _ = verdicts({"sendfile": around(0.19, 0.05, 6), "read-whole": around(3, 0.05, 6)})
    assert "6 complete rounds, 7 are needed for an interval of 97.5 %" in first.sentence


def test_an_unknown_cost_is_no_verdict() -> None:
    run = synthetic.run(rounds=6)
    cells: list[Cell] = [
        dataclasses.replace(cell, metrics=cell.metrics | {PRIMARY: None}) for cell in synthetic.cells(run)
    ]
    records = build(run, tuple(cells))
    (verdict,) = conclude(records, check(records))
    assert verdict.sentence == "no verdict: server CPU per GiB is unknown or zero in every round"


def test_one_mode_alone_has_nothing_to_be_compared_with() -> None:
    run = synthetic.run(("sendfile",))
    records = build(run, tuple(synthetic.cells(run)))
    assert conclude(records, check(records)) == ()


def test_a_noisy_machine_widens_delta() -> None:
    assert delta(None) == delta(0.01) == 0.02
    assert delta(0.05) == 0.05
