"""Coverage is found from slices whose noise is known: held by the real interval, missed by one that is wrong."""

import math
import random
from dataclasses import replace

import pytest

from errors import UserError
from profiles.store.records import Slice
from reports.analysis.paired_ratio import paired_ratio
from tests.bench import coverage, recorded_noise
from tests.bench.recorded_noise import Round, by_mode, halves

MODES = ("read-send", "sendfile")
BYTES = 1 << 28


def recorded(rounds: int = 12, sweeps: int = 8, scatter: float = 0.1, memory: float = 0.8) -> list[Slice]:
    """Two modes in mirrored sweeps. Noise of one slice remembers that of the slice before; a round has a level of its
    own; modes cost 0.5 and 0.2 s/GiB."""
    chance, noise, at, found = random.Random(5), 0.0, 0.0, []
    for number in range(1, rounds + 1):
        level = chance.gauss(0, 0.05)
        for place, mode in enumerate((*MODES, *MODES[::-1]) * sweeps, 1):
            noise = memory * noise + math.sqrt(1 - memory**2) * chance.gauss(0, scatter)
            cpu_s = (0.125 if mode == "read-send" else 0.05) * math.exp(noise + level)
            found.append(Slice(number, place, mode, at, 0.14, 0.15, 1, BYTES, 0, cpu_s, None, None))
            at += 0.15
        at += 1.0
    return found


def test_a_rounds_turns_are_dealt_as_to_two_modes() -> None:
    turns = by_mode(recorded(1, 4))["sendfile"]
    chance, orders = random.Random(1), set()
    for _ in range(50):
        ours, other = halves(turns[0], chance)
        assert sorted(one.number for one in (*ours, *other)) == [one.number for one in turns[0]]
        orders.add("".join("A" if one in ours else "B" for one in turns[0]))
    assert orders == {first + second for first in ("ABBA", "BAAB") for second in ("ABBA", "BAAB")}


def test_turns_in_a_row_are_one_longer_turn() -> None:
    turns = by_mode(recorded(1, 5))["sendfile"][0]
    ours, other = halves(turns, random.Random(1), length=2)
    first, second = sorted((ours, other), key=lambda half: half[0].number)
    assert first == [*turns[0:2], *turns[6:8]] and second == turns[2:6], "two of ten are left over"


def test_the_real_interval_covers_recorded_noise() -> None:
    """Slices that hang together, rounds that differ, and a target that stops some campaigns early."""
    rounds = by_mode(recorded())["sendfile"]
    for effect in (1.0, 1.10):
        found = recorded_noise.coverage(rounds, effect, 0.04, 1500, f"{effect}")
        assert coverage.verdict(found) == "within", found
        assert 9 < found.rounds < 24 and 0.02 < found.half_width < 0.05


def test_an_interval_that_is_too_narrow_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded_noise, "paired_ratio", lambda pairs, _: paired_ratio(pairs, 0.90))
    found = recorded_noise.coverage(by_mode(recorded())["sendfile"], 1.0, 0.04, 1500, "seed")
    assert coverage.verdict(found) == "above", found


def test_a_verdict_that_denies_the_truth_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = by_mode(recorded(scatter=0.02))["sendfile"]
    assert recorded_noise.coverage(rounds, 1.02, 0.02, 1000, "seed").wrong <= coverage.MOST_WRONG
    monkeypatch.setattr(recorded_noise, "halves", lambda turns, chance: (turns, [_dearer(one) for one in turns]))
    for effect, verdict in ((1.10, "no difference"), (1.00, "less"), (1.25, "more")):
        found = recorded_noise.coverage(rounds, effect, 0.02, 20, "seed")
        assert found.wrong == (verdict != "more"), (verdict, found)


def _dearer(one: Slice) -> Slice:
    return replace(one, server_cpu_s=1.10 * (one.server_cpu_s or 0))


def test_the_noises_memory_is_found() -> None:
    """A turn of a mode is one or three slices after its last one: 0.8 and 0.8**3 by turns, 0.656 on average."""
    rounds: list[Round] = by_mode([replace(one, round=1) for one in recorded(200, 4)])["sendfile"]
    scatter, shares = recorded_noise.autocorrelation(rounds, 3)
    of_rounds, of_slices = 0.05**2, 0.1**2
    assert scatter == pytest.approx(math.sqrt(of_rounds + of_slices), rel=0.1)
    assert shares[0] > shares[1] > shares[2] > 0
    assert shares[0] == pytest.approx((of_rounds + 0.656 * of_slices) / (of_rounds + of_slices), abs=0.1)


def test_longer_slices_scatter_more() -> None:
    rounds = by_mode(recorded(40, 8))["sendfile"]
    assert recorded_noise.lengths(rounds) == [1, 2, 4, 8]
    short, *_, long = (recorded_noise.scatter(rounds, length) for length in (1, 2, 4, 8))
    assert short < 0.7 * long


def test_more_sweeps_give_narrower_intervals_and_longer_rounds() -> None:
    few, *_, many = recorded_noise.choices(recorded(), "read-send", 0.05, draws=40)
    assert (few.sweeps, many.sweeps) == (1, 8)
    assert few.half_widths[9] > many.half_widths[9] > many.half_widths[24]
    assert few.round_s == pytest.approx(1.0 + 4 * 0.15, abs=0.02)
    assert many.round_s == pytest.approx(1.0 + 32 * 0.15, abs=0.02)
    assert many.to_target_s is not None and few.to_target_s != many.to_target_s


def test_a_slice_without_a_cost_is_refused() -> None:
    with pytest.raises(UserError, match=r"slice 1 of round 1 .read-send. has no CPU time"):
        by_mode([replace(recorded(1, 1)[0], server_cpu_s=None)])


def test_all_of_it_is_said() -> None:
    told = coverage.said(recorded(), campaigns=20)
    assert len(told.tables) == 4 and len(told.verdicts) == 12
