"""Who waits is told how long, about: as many rounds as the widest interval asks for, each as long as the last ones."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from load.campaign import plan as tested
from load.campaign.plan import LIKELY_ROUNDS, MOST_DONE, PROBE_S, PROFILE_START_S, PROOF_S, Plan
from load.campaign.settings import Settings
from profiles.targets.variants import parse_all

MODES = ("read-send", "sendfile")
SETTINGS = Settings(
    MODES, parse_all(MODES), rounds=24, users=4, sink="discard", command="make load", precision=0.05, round_s=6.0
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now_s = [50.0]
    monkeypatch.setattr(tested, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    return now_s


def proved(settings: Settings = SETTINGS) -> Plan:
    plan = Plan(settings)
    for _ in settings.modes:
        plan.proved()
    return plan


@pytest.mark.parametrize(
    ("settings", "rounds_s"),
    [
        (SETTINGS, LIKELY_ROUNDS * 6.0),
        (replace(SETTINGS, rounds=4), 4 * 6.0),
        (replace(SETTINGS, precision=0.0), 24 * 6.0),
        (replace(SETTINGS, seconds=20.0), 20.0),
    ],
)
def test_before_the_first_round_it_takes_as_long_as_is_likely(settings: Settings, rounds_s: float) -> None:
    assert Plan(settings).left_s == pytest.approx(2 * PROOF_S + rounds_s + PROBE_S)
    assert proved(settings).left_s == pytest.approx(rounds_s + PROBE_S)


def test_it_learns_from_each_round_how_long_and_how_many() -> None:
    plan = proved()
    plan.round_is_over(SimpleNamespace(rounds_left=lambda: 7, round_s=5.0))  # type: ignore[arg-type]
    assert plan.left_s == pytest.approx(7 * 5.0 + PROBE_S)


def test_flame_graphs_follow_the_rounds() -> None:
    plan = proved(replace(SETTINGS, profile_s=3))
    plan.rounds_are_over()
    assert plan.left_s == pytest.approx(PROBE_S + 2 * (2 * 3 + PROFILE_START_S))
    plan.probed()
    assert plan.left_s == pytest.approx(2 * (2 * 3 + PROFILE_START_S))
    for _ in MODES:
        plan.profiled()
    assert plan.left_s == 0


def test_the_share_that_is_done_is_of_all_that_is_expected(clock: list[float]) -> None:
    plan = proved()
    assert plan.done_share == 0
    clock[0] += plan.left_s
    assert plan.done_share == pytest.approx(0.5)
    plan.rounds_are_over()
    plan.probed()
    assert plan.left_s == 0 and plan.done_share == MOST_DONE < 1
