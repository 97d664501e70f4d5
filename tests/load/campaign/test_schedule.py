"""Only precision, time and the limit of rounds end a campaign; what measured something else is repeated."""

import dataclasses
import math
import random
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from load.campaign import schedule as tested
from load.campaign.schedule import Schedule, order
from profiles.store.records import Cell, Repeat, Run, Void
from reports.analysis.paired_ratio import looks
from reports.analysis.rounds import Dataset
from tests.reports import synthetic

Change = Callable[[str, int], dict[str, float | None]]
TWO, THREE = ("read-send", "sendfile"), ("read-send", "sendfile", "read-whole")


def ratios(spread: float, effect: float = 1.0) -> Change:
    """The primary metric of a mode in a round: 1 for the baseline, `effect` with noise of this spread for others."""

    def of(mode: str, number: int) -> dict[str, float | None]:
        noise = math.exp(random.Random(f"{mode} {number}").gauss(0, spread))
        return {"server_cpu_s_per_gib": 1.0 if mode == "read-send" else effect * noise}

    return of


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, as the schedule reads it."""
    now_s = [1000.0]
    monkeypatch.setattr(tested, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    return now_s


@pytest.fixture
def repeated(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The numbers of rounds that measured something else."""
    numbers: set[int] = set()

    def must_repeat(cells: Mapping[str, Cell], run: Run) -> tuple[str, ...]:
        return tuple("swapping" for cell in cells.values() if cell.round in numbers)

    monkeypatch.setattr(tested, "must_repeat", must_repeat)
    monkeypatch.setattr("reports.analysis.rounds.must_repeat", must_repeat)
    return numbers


def made(
    modes: tuple[str, ...] = TWO, rounds: int = 24, precision: float = 0.05, retries: int = 1, **changes: Any
) -> Schedule:
    run = synthetic.run(modes, order=(), rounds_planned=rounds, precision=precision, **changes)
    return Schedule(run, modes, retries)


def measured(
    schedule: Schedule,
    of: Change,
    clock: list[float] | None = None,
    round_s: float = 6.0,
    lost: tuple[int, ...] = (),
) -> Schedule:
    """Run all rounds, each of which takes so long; lost: rounds in which a peer was lost."""
    for number, modes in schedule.rounds():
        if clock is not None:
            clock[0] += round_s
        if number in lost:
            schedule.void(Void(number, modes[0], "the agent was lost"))
            continue
        for position, mode in enumerate(modes, 1):
            cell = synthetic.bare_cell(mode, number, position)
            schedule.cells.append(dataclasses.replace(cell, metrics=cell.metrics | of(mode, number)))
    return schedule


@pytest.mark.parametrize("modes", [TWO, THREE])
def test_a_quiet_campaign_ends_at_the_first_look(modes: tuple[str, ...]) -> None:
    schedule = measured(made(modes), ratios(0.01))
    first = looks(schedule.dataset().confidence, 24)[0]
    assert len(schedule.run.order) == first < 24
    assert schedule.run.stopped == f"every interval was within ±5 % after {first} rounds"


def test_between_looks_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking more often would end more campaigns on a lucky interval."""
    at: list[int] = []
    schedule = made(THREE)

    def never(dataset: Dataset, _: float) -> bool:
        at.append(len(dataset.rounds))
        return False

    monkeypatch.setattr(tested, "precise", never)
    measured(schedule, ratios(0.01))
    assert tuple(at) == looks(schedule.dataset().confidence, 24)


@pytest.mark.parametrize("effect", [1.0, 0.2])
def test_a_noisy_one_goes_on_to_its_limit_however_clear_the_difference(effect: float) -> None:
    schedule = measured(made(rounds=12), ratios(0.3, effect))
    assert len(schedule.run.order) == 12
    assert schedule.run.stopped == "the limit of 12 rounds"


def test_precision_0_takes_all_rounds() -> None:
    assert len(measured(made(rounds=12, precision=0), ratios(0.001)).run.order) == 12


def test_the_least_precise_mode_decides() -> None:
    def one_noisy(mode: str, number: int) -> dict[str, float | None]:
        return ratios(0.3 if mode == "read-whole" else 0.001)(mode, number)

    assert len(measured(made(THREE, rounds=12), one_noisy).run.order) == 12


def test_modes_that_are_void_anyway_are_not_waited_for() -> None:
    def one_noisy(mode: str, number: int) -> dict[str, float | None]:
        return ratios(0.3 if mode == "read-whole" else 0.001)(mode, number)

    schedule = made(THREE)
    schedule.proofs = tuple(
        dataclasses.replace(p, wrong=("0+1",)) for p in synthetic.proofs(schedule.run) if p.mode == "read-whole"
    )
    assert len(measured(schedule, one_noisy).run.order) == looks(schedule.dataset().confidence, 24)[0]
    failing = made(THREE)
    for number, modes in failing.rounds():
        for position, mode in enumerate(modes, 1):
            cell = synthetic.bare_cell(mode, number, position, **one_noisy(mode, number))
            failing.cells.append(dataclasses.replace(cell, failures=int(mode == "read-whole")))
    assert len(failing.run.order) == looks(schedule.dataset().confidence, 24)[0]


@pytest.mark.parametrize(("noise", "last"), [(0.001, "first look"), (0.5, "limit")])
def test_as_many_rounds_are_left_as_the_widest_interval_asks_for(noise: float, last: str) -> None:
    schedule = made()
    first = looks(schedule.dataset().confidence, 24)[0]
    schedule.run = dataclasses.replace(schedule.run, order=order(TWO, first - 1, 7))
    for number in range(1, first):
        for mode in TWO:
            cost = 1 + noise * (number % 2) * (mode == "sendfile")
            schedule.cells.append(synthetic.bare_cell(mode, number, 1, server_cpu_s_per_gib=cost))
    assert schedule.rounds_left() == {"first look": first, "limit": 24}[last] - (first - 1)


def test_before_any_interval_the_first_look_is_ahead_and_time_may_be_shorter(clock: list[float]) -> None:
    schedule = made()
    assert schedule.rounds_left() == looks(schedule.dataset().confidence, 24)[0]
    assert made(precision=0.0).rounds_left() == 24
    hurried = made(seconds=20.0)
    hurried._began_s = clock[0]
    for rounds, left in ((1, 2), (2, 1), (3, 0)):
        clock[0] += 6.0
        hurried.run = dataclasses.replace(hurried.run, order=order(TWO, rounds, 7))
        assert hurried.rounds_left() == left


def test_the_order_is_that_of_the_seed_whatever_is_measured() -> None:
    assert measured(made(THREE, rounds=12), ratios(0.3)).run.order == order(THREE, 12, seed=7)


def test_the_limit_of_time_lets_no_round_begin_that_would_not_end_in_it(clock: list[float]) -> None:
    schedule = measured(made(precision=0, seconds=20.0), ratios(0.3), clock, round_s=6.0)
    assert len(schedule.run.order) == 3
    assert schedule.run.stopped == "the time of 20 s was up after 3 rounds"
    assert schedule.round_s == pytest.approx(6.0)


def test_one_round_is_always_run(clock: list[float]) -> None:
    schedule = measured(made(precision=0, seconds=5.0), ratios(0.3), clock, round_s=6.0)
    assert schedule.run.stopped == "the time of 5 s was up after 1 round"


def test_a_round_that_measured_something_else_is_repeated_at_once_in_its_order(repeated: set[int]) -> None:
    repeated |= {2, 5}
    schedule = measured(made(rounds=6), ratios(0.3))
    assert schedule.run.repeats == (Repeat(3, 2), Repeat(6, 5))
    first, second, third, fourth, *others = order(TWO, 6, seed=7)
    assert schedule.run.order == (first, second, second, third, fourth, fourth, *others)
    assert schedule.run.stopped == "the limit of 6 rounds"


@pytest.mark.parametrize("rounds", [1, 5])
def test_where_all_rounds_are_kept_since_they_are_few_none_is_repeated(repeated: set[int], rounds: int) -> None:
    repeated |= set(range(1, 100))
    schedule = measured(made(rounds=rounds), ratios(0.3))
    assert len(schedule.run.order) == len(schedule.dataset().rounds) == rounds
    assert measured(made(rounds=rounds), ratios(0.3), lost=(1,)).run.repeats == (Repeat(2, 1),)


def test_repeats_end_on_a_machine_that_is_never_calm(repeated: set[int]) -> None:
    repeated |= set(range(1, 100))
    schedule = measured(made(rounds=6, retries=2), ratios(0.3))
    assert schedule.run.repeats == (Repeat(2, 1), Repeat(3, 2)), "a third in a row tells that repeating does not help"
    assert len(schedule.run.order) == 8
    assert measured(made(rounds=6, retries=0), ratios(0.3)).run.repeats == ()


def test_steal_alone_repeats_nothing() -> None:
    """Where the process clock leaves it out, rounds with steal are good data (docs/method.md §6)."""
    schedule = made(rounds=6, clock_excludes_steal=True)
    assert measured(schedule, lambda *_: {"steal_s": 0.2}).run.repeats == ()


def test_repeats_count_as_no_more_rounds_than_were_planned(repeated: set[int]) -> None:
    """Three of them are repeats, so that the first look comes three rounds later."""
    repeated |= {1, 4, 7}
    schedule = measured(made(), ratios(0.01))
    assert len(schedule.run.order) == looks(schedule.dataset().confidence, 24)[0] + 3


def test_a_round_in_which_a_peer_was_lost_is_repeated(repeated: set[int]) -> None:
    schedule = measured(made(rounds=3), ratios(0.3), lost=(2,))
    assert [void.round for void in schedule.run.voids] == [2]
    assert schedule.run.repeats == (Repeat(3, 2),)
    assert sorted(schedule.cells_of(3)) == list(TWO) and not schedule.cells_of(2)


def test_time_ends_repeats_as_well(clock: list[float], repeated: set[int]) -> None:
    repeated |= set(range(1, 100))
    schedule = measured(made(precision=0, seconds=20.0), ratios(0.3), clock, round_s=6.0)
    assert schedule.run.stopped == "the time of 20 s was up after 3 rounds"
    assert schedule.run.repeats == (Repeat(2, 1), Repeat(3, 2))
