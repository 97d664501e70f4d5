"""Two runs that were never paired: the ratio, and an interval that an independent oracle agrees with."""

import math
import random

import pytest
from scipy import stats

from reports.analysis import unpaired_ratio


def sample(seed: int, count: int, middle: float = 1.0) -> list[float]:
    rng = random.Random(seed)
    return [middle * rng.lognormvariate(0, 0.05) for _ in range(count)]


@pytest.mark.parametrize(("m", "n"), [(3, 3), (6, 6), (6, 10), (10, 7)])
def test_the_orders_are_counted_as_scipy_counts_them(m: int, n: int) -> None:
    counts = unpaired_ratio.mann_whitney_counts(m, n)
    assert sum(counts) == math.comb(m + n, m)
    assert counts == counts[::-1]
    low, high = list(range(m)), list(range(m, m + n))
    everything_apart = stats.mannwhitneyu(low, high, method="exact", alternative="less").pvalue
    assert everything_apart == pytest.approx(counts[0] / sum(counts))


@pytest.mark.parametrize(("m", "n", "level"), [(6, 6, 0.95), (10, 10, 0.95), (8, 12, 0.99), (10, 24, 0.975)])
def test_the_interval_holds_just_the_ratios_that_the_test_does_not_reject(m: int, n: int, level: float) -> None:
    a, b = sample(1, m, 1.2), sample(2, n)
    found = unpaired_ratio.unpaired_ratio(a, b, level)
    assert found.low is not None and found.high is not None and found.low < found.ratio < found.high

    def rejected(ratio: float) -> bool:
        shifted = [value / ratio for value in a]
        return bool(stats.mannwhitneyu(shifted, b, method="exact").pvalue <= 1 - level)

    for edge, outwards in ((found.low, 1 - 1e-9), (found.high, 1 + 1e-9)):
        assert rejected(edge * outwards) and not rejected(edge / outwards)


def test_many_rounds_are_near_what_counting_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = unpaired_ratio.critical_rank(40, 40, 0.95)
    monkeypatch.setattr(unpaired_ratio, "MOST_COUNTED", 0)
    unpaired_ratio.critical_rank.cache_clear()
    assert abs(unpaired_ratio.critical_rank(40, 40, 0.95) - counted) <= 1
    unpaired_ratio.critical_rank.cache_clear()


def test_turned_round_it_says_the_inverse() -> None:
    a, b = sample(1, 9), sample(2, 11, 2.0)
    there, back = unpaired_ratio.unpaired_ratio(a, b), unpaired_ratio.unpaired_ratio(b, a)
    assert there.high is not None and back.low is not None
    assert there.ratio == pytest.approx(1 / back.ratio) and there.high == pytest.approx(1 / back.low)


def test_it_covers_what_is_true_in_about_95_of_100_runs() -> None:
    """Only as long as runs differ in nothing but their rounds: that they do is the caveat."""
    held = 0
    for seed in range(400):
        found = unpaired_ratio.unpaired_ratio(sample(2 * seed, 10, 1.1), sample(2 * seed + 1, 10))
        held += found.low is not None and found.high is not None and found.low <= 1.1 <= found.high
    assert held >= 368  # of 400 at 95 %, fewer than 1 in 1,000 seeds would give less


def test_too_few_rounds_have_no_interval_and_say_so() -> None:
    few = unpaired_ratio.unpaired_ratio(sample(1, 5), sample(2, 30))
    assert (few.low, few.high) == (None, None) and "6 rounds of each run" in (few.reason or "")
    strict = unpaired_ratio.unpaired_ratio(sample(1, 6), sample(2, 6), 0.9999)
    assert strict.low is None and "too few for an interval of 99.99 %" in (strict.reason or "")


@pytest.mark.parametrize(("a", "b"), [([], [1.0]), ([1.0], []), ([0.0], [1.0]), ([1.0], [-1.0])])
def test_nothing_and_nonsense_are_no_ratio(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError):
        unpaired_ratio.unpaired_ratio(a, b)
