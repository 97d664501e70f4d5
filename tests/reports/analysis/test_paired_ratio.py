"""The interval is the one that tests by counting would give, on any data, ties included."""

import itertools
import math
import random
import statistics

import pytest
from scipy import stats

from reports.analysis.paired_ratio import (
    Paired,
    critical_rank,
    family_confidence,
    looks,
    paired_ratio,
    rounds_needed,
    signed_rank_counts,
)


def paired(logs: list[float], confidence: float = 0.95) -> Paired:
    return paired_ratio([(math.exp(value), 1.0) for value in logs], confidence)


def interval(logs: list[float], confidence: float = 0.95) -> tuple[float, float]:
    result = paired(logs, confidence)
    assert result.low is not None and result.high is not None
    return math.log(result.low), math.log(result.high)


def noise(n: int, seed: int) -> list[float]:
    rng = random.Random(seed)
    return [rng.gauss(-0.3, 0.4) for _ in range(n)]


@pytest.mark.parametrize("n", [6, 7, 10, 13, 25])
@pytest.mark.parametrize("confidence", [0.90, 0.95, 1 - 0.05 / 2, 1 - 0.05 / 3])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_interval_holds_exactly_what_scipys_exact_test_does_not_reject(
    n: int, confidence: float, seed: int
) -> None:
    logs = noise(n, seed)
    if n < rounds_needed(confidence):
        assert paired(logs, confidence).low is None
        return
    low, high = interval(logs, confidence)

    def rejected(shift: float) -> bool:
        p = stats.wilcoxon([value - shift for value in logs], method="exact").pvalue
        return bool(p <= 1 - confidence + 1e-12)

    step = 1e-7
    assert not rejected(low + step) and not rejected(high - step)
    assert rejected(low - step) and rejected(high + step)


@pytest.mark.parametrize("n", range(1, 11))
def test_the_null_distribution_is_that_of_every_sign_pattern(n: int) -> None:
    sums = [sum(ranks) for ranks in itertools.product(*((0, rank) for rank in range(1, n + 1)))]
    assert signed_rank_counts(n) == [sums.count(t) for t in range(n * (n + 1) // 2 + 1)]


@pytest.mark.parametrize(
    "sizes",
    [
        [1.0, 2.0, 3.0, 5.0, 8.0, 13.0],
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 2.0],
        [0.0, 1.0, 1.0, 3.0, 3.0, 4.0, 9.0, 9.0],
        [0.0] * 6,
    ],
)
def test_over_all_sign_patterns_the_interval_covers_at_least_its_confidence(sizes: list[float]) -> None:
    """Brute force, ties and zeros included: where nothing differs, every sign is as likely as its opposite."""
    patterns = list(itertools.product((-1, 1), repeat=len(sizes)))
    covered = 0
    for signs in patterns:
        low, high = interval([sign * size for sign, size in zip(signs, sizes, strict=True)])
        covered += low - 1e-12 <= 0 <= high + 1e-12
    assert covered / len(patterns) >= 0.95


def test_rounds_that_all_agree_give_an_interval_of_no_width() -> None:
    result = paired_ratio([(0.5, 2.0)] * 8)
    assert (result.ratio, result.low, result.high) == pytest.approx((0.25, 0.25, 0.25))


def test_the_estimate_is_the_median_of_all_pairs_and_shrugs_off_one_wild_round() -> None:
    logs = noise(9, 3)
    pairs = [(a + b) / 2 for a, b in itertools.combinations_with_replacement(logs, 2)]
    assert math.log(paired(logs).ratio) == pytest.approx(statistics.median(pairs))
    calm = paired_ratio([(0.2, 1.0)] * 9 + [(0.21, 1.0)])
    wild = paired_ratio([(0.2, 1.0)] * 9 + [(21.0, 1.0)])
    assert wild.ratio == pytest.approx(calm.ratio)


def test_swapping_mode_and_baseline_turns_the_result_upside_down() -> None:
    pairs = [(math.exp(value), 1.0) for value in noise(12, 4)]
    there, back = paired_ratio(pairs), paired_ratio([(b, a) for a, b in pairs])
    assert there.low is not None and back.high is not None
    assert there.ratio == pytest.approx(1 / back.ratio)
    assert there.low == pytest.approx(1 / back.high)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_fewer_than_six_rounds_have_no_interval_and_it_says_so(n: int) -> None:
    result = paired_ratio([(0.2, 1.0)] * n)
    assert result.low is None and result.high is None and result.half_width is None
    assert result.reason == "6 are needed for an interval of 95 %"
    assert result.median == pytest.approx(0.2)


def test_a_level_that_six_rounds_cannot_reach_says_how_many_can() -> None:
    result = paired_ratio([(0.2, 1.0)] * 6, 1 - 0.05 / 2)
    assert result.low is None
    assert result.reason == "7 are needed for an interval of 97.5 %"
    assert paired_ratio([(0.2, 1.0)] * 7, 1 - 0.05 / 2).low is not None


def test_critical_values_are_those_of_the_tables() -> None:
    """Two-sided 5 %: Wilcoxon's tables give 0, 2, 3, 5, 8 for n = 6..10; the rank is one more."""
    assert [critical_rank(n, 0.95) for n in range(6, 11)] == [1, 3, 4, 6, 9]


@pytest.mark.parametrize("pairs", [[], [(0.0, 1.0)], [(1.0, 0.0)], [(-1.0, 1.0)]])
def test_what_has_no_logarithm_is_refused(pairs: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError):
        paired_ratio(pairs)


@pytest.mark.parametrize("rounds", [4, 9, 10])
def test_the_same_rounds_from_the_other_side_are_the_inverse(rounds: int) -> None:
    chance = random.Random(rounds)
    pairs = [(chance.lognormvariate(0, 0.2), chance.lognormvariate(1, 0.2)) for _ in range(rounds)]
    back, found = paired_ratio([(baseline, mode) for mode, baseline in pairs]), paired_ratio(pairs).inverted
    assert (found.ratio, found.median) == pytest.approx((back.ratio, back.median))
    assert (found.low, found.high) == pytest.approx((back.low, back.high)) and found.reason == back.reason


@pytest.mark.parametrize(
    ("comparisons", "most", "expected"),
    [
        (2, 24, (9, 10, 11, 12, 13, 14, 16, 18, 20, 24)),
        (12, 20, (10, 11, 12, 13, 14, 16, 18, 20)),
        (13, 14, (11, 12, 13, 14)),
        (2, 100, (9, 10, 11, 12, 13, 14, 16, 18, 20, 24, 36, 54, 81, 100)),
        (2, 19, (9, 10, 11, 12, 13, 14, 16, 18, 19)),
        (2, 6, (6,)),
        (13, 9, (9,)),
    ],
)
def test_when_precision_is_looked_at_is_fixed_before_the_run(
    comparisons: int, most: int, expected: tuple[int, ...]
) -> None:
    assert looks(family_confidence(comparisons), most) == expected
