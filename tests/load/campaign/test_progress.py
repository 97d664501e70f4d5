"""What is shown of a campaign's progress holds until its end, also where every round is disturbed and repeated."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import SimpleNamespace

import pytest

from load.campaign import plan as plan_module
from load.campaign import schedule as schedule_module
from load.campaign.interim_verdict import interim_verdict
from load.campaign.plan import Plan
from load.campaign.progress import Progress
from load.campaign.schedule import Schedule
from load.campaign.settings import Settings
from load.progress_view import UNICODE, view_lines
from profiles.store.records import Cell, Run
from profiles.targets.variants import parse_all
from tests.reports import synthetic

MODES = ("read-send", "sendfile")
ROUND_S = 6.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now_s = [50.0]
    for module in (plan_module, schedule_module):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    return now_s


def campaign(clock: list[float], rounds: int, precision: float) -> Iterator[Progress]:
    """What a campaign of these rounds tells, from its proofs to the end of its probe."""
    run = synthetic.run(MODES, order=(), rounds_planned=rounds, precision=precision)
    schedule = Schedule(run, MODES, retries=1)
    settings = Settings(MODES, parse_all(MODES), rounds, 4, "discard", "make load", precision=precision)
    plan = Plan(settings)
    for mode in MODES:
        yield Progress(f"proof: {mode}", plan.done_share, plan.left_s)
        clock[0] += 1
        plan.proved()
    for number, modes in schedule.rounds():
        again = "".join(f", repeats round {one.of}" for one in schedule.run.repeats if one.round == number)
        yield Progress(f"round {number}{again}", plan.done_share, plan.left_s)
        clock[0] += ROUND_S
        schedule.cells += [replace(synthetic.cell(mode, number, at)) for at, mode in enumerate(modes, 1)]
        plan.round_is_over(schedule)
        yield Progress(f"round {number}{again}", plan.done_share, plan.left_s, schedule.dataset())
    plan.rounds_are_over()
    yield Progress("probe with 8 users", plan.done_share, plan.left_s)


@pytest.mark.parametrize("disturbed", ["none", "some", "all"])
@pytest.mark.parametrize(("rounds", "precision"), [(6, 0.0), (12, 0.0), (12, 0.05)])
def test_the_bar_is_never_full_and_time_is_left_while_anything_is_to_come(
    monkeypatch: pytest.MonkeyPatch, clock: list[float], disturbed: str, rounds: int, precision: float
) -> None:
    wrong = {"none": set(), "some": {2, 5, 6}, "all": set(range(1, 2 * rounds + 1))}[disturbed]

    def must_repeat(cells: Mapping[str, Cell], run: Run) -> tuple[str, ...]:
        return tuple("swapping" for cell in cells.values() if cell.round in wrong)

    for module in (schedule_module.__name__, "reports.analysis.rounds"):
        monkeypatch.setattr(f"{module}.must_repeat", must_repeat)
    told = list(campaign(clock, rounds, precision))
    assert sum("repeats" in one.step for one in told) > 0 or disturbed == "none"
    for at, progress in enumerate(told):
        rounds_to_come = any(later.step.startswith("round") for later in told[at + 1 :])
        assert progress.left_s >= (ROUND_S / 2 if rounds_to_come and not precision else 1)
        assert 0 <= progress.done_share < 1
        found = interim_verdict(progress.dataset) if progress.dataset else None
        first = view_lines(progress, found, 1.0, 100, UNICODE)[0]
        assert UNICODE.rest in first and "about 0 s left" not in first
        assert found is None or found.rounds <= found.planned
