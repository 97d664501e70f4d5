"""Rounds end on precision or at their limit, disturbed ones are repeated, and a result never decides."""

import dataclasses
import math
import random
from collections.abc import Callable

import pytest

from load.campaign.schedule import Schedule, order, perf_unavailable
from profiles.store.records import Cell, DeepProfile, Repeat
from tests.reports import synthetic

Change = Callable[[str, int], dict[str, float | None]]


def ratios(spread: float, effect: float = 1.0, seed: int = 1) -> Change:
    """The primary metric of a mode in a round: 1 for the baseline, `effect` with noise of this spread for others."""

    def of(mode: str, number: int) -> dict[str, float | None]:
        noise = math.exp(random.Random(f"{seed} {mode} {number}").gauss(0, spread))
        return {"server_cpu_s_per_gib": 1.0 if mode == "read-send" else effect * noise}

    return of


def stolen(*numbers: int) -> Change:
    return lambda mode, number: {"steal_s": 1.0 if number in numbers else 0.0}


def scheduled(
    *changes: Change,
    modes: tuple[str, ...] = ("read-send", "sendfile"),
    rounds: int = 10,
    precision: float = 0.05,
    retries: int = 2,
) -> Schedule:
    """A campaign with synthetic cells."""
    planned = order(modes, rounds, seed=3)
    run = synthetic.run(modes, order=planned, rounds_planned=rounds, precision=precision)
    schedule = Schedule(run, retries)
    for number, of_round in schedule.rounds():
        for position, mode in enumerate(of_round, 1):
            schedule.cells.append(_cell(mode, number, position, changes))
    return schedule


def _cell(mode: str, number: int, position: int, changes: tuple[Change, ...]) -> Cell:
    cell = synthetic.bare_cell(mode, number, position)
    changed = {name: value for change in changes for name, value in change(mode, number).items()}
    return dataclasses.replace(cell, metrics=cell.metrics | changed)


def numbers(schedule: Schedule) -> list[int]:
    return sorted({cell.round for cell in schedule.cells})


def test_a_quiet_campaign_stops_as_soon_as_it_is_precise() -> None:
    schedule = scheduled(ratios(0.01))
    assert numbers(schedule) == [1, 2, 3, 4, 5, 6]
    assert len(schedule.run.order) == 6
    assert schedule.run.stopped == "every interval was within ±5 % after 6 rounds"


@pytest.mark.parametrize("effect", [1.0, 0.2])
def test_a_noisy_one_goes_on_to_its_limit_however_clear_the_difference(effect: float) -> None:
    schedule = scheduled(ratios(0.3, effect))
    assert numbers(schedule) == list(range(1, 11))
    assert schedule.run.stopped is None


def test_precision_0_takes_all_rounds() -> None:
    assert numbers(scheduled(ratios(0.001), precision=0)) == list(range(1, 11))


def test_the_least_precise_mode_decides() -> None:
    def one_noisy(mode: str, number: int) -> dict[str, float | None]:
        return ratios(0.3 if mode == "read-whole" else 0.001)(mode, number)

    assert len(numbers(scheduled(one_noisy, modes=("read-send", "sendfile", "read-whole"), rounds=12))) == 12


def test_three_modes_stop_after_a_whole_square_so_that_positions_stay_balanced() -> None:
    """Six rounds have no interval for two comparisons; after nine each mode stood three times in each place."""
    schedule = scheduled(ratios(0.01), modes=("read-send", "sendfile", "read-whole"), rounds=30)
    assert len(schedule.run.order) == 9
    for position in range(3):
        names = [modes[position] for modes in schedule.run.order]
        assert {names.count(mode) for mode in set(names)} == {3}


def test_disturbed_rounds_are_repeated_at_the_end_in_their_order() -> None:
    schedule = scheduled(ratios(0.3), stolen(2, 5))
    assert schedule.run.repeats == (Repeat(11, 2), Repeat(12, 5))
    assert schedule.run.order[10:] == (schedule.run.order[1], schedule.run.order[4])
    assert numbers(schedule) == list(range(1, 13))


def test_a_round_is_repeated_at_most_twice() -> None:
    schedule = scheduled(ratios(0.3), stolen(2, 5, 11, 13))
    assert schedule.run.repeats == (Repeat(11, 2), Repeat(12, 5), Repeat(13, 2))
    assert numbers(scheduled(ratios(0.3), stolen(2), retries=0)) == list(range(1, 11))


def test_a_campaign_on_a_machine_that_is_never_calm_ends() -> None:
    schedule = scheduled(ratios(0.001), stolen(*range(1, 100)))
    assert numbers(schedule) == list(range(1, 21)), "one pass of repeats, each of them disturbed"
    assert schedule.run.stopped is None, "disturbed rounds are never precise"


def test_nothing_is_repeated_where_the_calm_rounds_are_precise() -> None:
    schedule = scheduled(ratios(0.01), stolen(2, 4, 6))
    assert schedule.run.repeats == ()
    why = "every interval was within ±5 % after 10 rounds, so that 3 disturbed ones need not be run again"
    assert schedule.run.stopped == why


def test_perf_is_not_tried_again_once_it_was_refused_or_showed_nothing_of_two_modes() -> None:
    cell = synthetic.cell("sendfile", 0, 1)
    seen = DeepProfile("sendfile", cell, "sendfile.folded")
    nothing, refused = DeepProfile("sendfile", cell, None), DeepProfile("sendfile", None, None)
    assert not any(
        perf_unavailable(tried) for tried in ([], [seen], [nothing], [nothing, seen], [seen, nothing, nothing])
    )
    assert all(perf_unavailable(tried) for tried in ([refused], [seen, refused], [nothing, nothing]))
