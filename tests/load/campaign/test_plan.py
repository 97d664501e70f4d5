"""Who waits is told how long, about: as many rounds as the widest interval asks for, each as long as the last ones."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from load.campaign import plan as tested
from load.campaign.plan import Plan
from load.campaign.schedule import Schedule, order
from load.campaign.settings import Settings
from reports.analysis.paired_ratio import looks
from tests.reports import synthetic

MODES = ("read-send", "sendfile")
SETTINGS = Settings(MODES, rounds=24, users=4, sink="discard", command="make load", precision=0.05, round_s=6.0)
LOOKS = looks(0.975, 24)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now_s = [50.0]
    monkeypatch.setattr(tested, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    return now_s


def after(rounds: int, noise: float, round_s: float = 5.0, settings: Settings = SETTINGS) -> Schedule:
    """The schedule after so many rounds whose ratios scatter by this much."""
    run = synthetic.run(
        MODES, order=order(MODES, rounds, 1), rounds_planned=settings.rounds, precision=settings.precision
    )
    cells = [
        synthetic.bare_cell(mode, number, 1, server_cpu_s_per_gib=1 + noise * (number % 2) * (mode == "sendfile"))
        for number in range(1, rounds + 1)
        for mode in MODES
    ]
    return Schedule(run, MODES, retries=1, cells=cells, round_s=round_s)


def test_before_the_first_round_as_many_are_expected_as_the_first_look_needs(clock: list[float]) -> None:
    plan = Plan(SETTINGS)
    rounds_s = LOOKS[0] * 6.0
    assert plan.left_s == pytest.approx(rounds_s + 2 * tested.PROOF_S + tested.PROBE_S)
    plan.proved()
    assert plan.left_s == pytest.approx(rounds_s + tested.PROOF_S + tested.PROBE_S)
    assert Plan(replace(SETTINGS, precision=0.0)).left_s == pytest.approx(
        24 * 6.0 + 2 * tested.PROOF_S + tested.PROBE_S
    )


def test_it_learns_how_long_a_round_takes_and_how_many_are_needed(clock: list[float]) -> None:
    plan = Plan(SETTINGS)
    for _ in MODES:
        plan.proved()
    plan.expect_rounds(after(LOOKS[0] - 1, noise=0.001))
    assert plan.left_s == pytest.approx(1 * 5.0 + tested.PROBE_S)
    plan.expect_rounds(after(LOOKS[0] - 1, noise=0.5))
    assert plan.left_s == pytest.approx((24 - LOOKS[0] + 1) * 5.0 + tested.PROBE_S)


def test_the_limit_of_time_is_a_limit_of_rounds(clock: list[float]) -> None:
    settings = replace(SETTINGS, seconds=20.0, round_s=6.0)
    plan = Plan(settings)
    assert plan.left_s == pytest.approx(3 * 6.0 + 2 * tested.PROOF_S + tested.PROBE_S)
    plan.expect_rounds(after(2, noise=0.5, settings=settings))
    assert plan.left_s == pytest.approx(2 * 5.0 + 2 * tested.PROOF_S + tested.PROBE_S)


def test_flame_graphs_follow_the_rounds(clock: list[float]) -> None:
    plan = Plan(replace(SETTINGS, profile_s=3))
    for _ in MODES:
        plan.proved()
    plan.rounds_are_over()
    assert plan.left_s == pytest.approx(2 * (3 + tested.START_S))
    for _ in MODES:
        plan.profiled()
    assert plan.left_s == 0


def test_the_share_that_is_done_is_of_all_that_is_expected(clock: list[float]) -> None:
    plan = Plan(SETTINGS)
    assert plan.done_share == 0
    clock[0] += plan.left_s
    assert plan.done_share == pytest.approx(0.5)
    for _ in MODES:
        plan.proved()
    plan.rounds_are_over()
    assert plan.done_share == 1
