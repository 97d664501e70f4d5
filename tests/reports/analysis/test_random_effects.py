"""The summary over machines is what a well-kept library computes, and covers the truth as often as it says."""

import math
import random
import statistics

import pytest
from scipy import stats

from reports.analysis.paired_ratio import paired_ratio
from reports.analysis.random_effects import Effect, effect, random_effects, student_t

# Log ratios, standard errors, then what statsmodels 0.15.0 makes of them, combine_effects(…, method_re="iterated",
# use_t=True): mean_effect_re, conf_int()[1] and tau2. The sets: 27 machines, few and uneven, the fewest, all alike.
# fmt: off
COMPUTED = [
    ([-0.6164, -0.5088, -0.6004, -0.4669, -0.7744, -0.4302, -0.2905, -0.7397, -0.6294, -0.5369, -0.7145, -0.7895,
      -0.8026, -0.8714, -1.0064, -0.1705, -0.3681, -0.6808, -0.6696, -0.7256, -0.5744, -0.5753, -0.743,
      -0.5325, -0.8277, -0.6906, -0.7215],
     [0.0225, 0.0248, 0.0259, 0.0288, 0.0248, 0.0284, 0.0106, 0.0193, 0.0289, 0.023, 0.028, 0.0123, 0.0194, 0.0149,
      0.0209, 0.0215, 0.0103, 0.0143, 0.0156, 0.0283, 0.0253, 0.0132, 0.0259, 0.0128, 0.0223, 0.0125, 0.01],
     -0.6317784, -0.704362, -0.559195, 0.0332202),
    ([-1.3671, -0.775, -0.8749, -0.6994, -0.6117],
     [0.3453, 0.0243, 0.3789, 0.0456, 0.1429],
     -0.7458987, -0.925508, -0.566289, 0.0091966),
    ([-0.53, -0.7584, -0.6636],
     [0.0338, 0.0399, 0.0232],
     -0.6496797, -0.931925, -0.367434, 0.0118329),
    ([-0.6979, -0.6741, -0.7093, -0.7073, -0.6935, -0.7107],
     [0.0913, 0.0728, 0.0711, 0.0528, 0.0958, 0.0516],
     -0.7019484, -0.771918, -0.631978, 0.0000000),
]
# fmt: on


def effects(log_ratios: list[float], errors: list[float]) -> list[Effect]:
    return [Effect(*each) for each in zip(log_ratios, errors, strict=True)]


@pytest.mark.parametrize(("log_ratios", "errors", "mean", "low", "high", "variance"), COMPUTED)
def test_it_is_what_statsmodels_computes(
    log_ratios: list[float], errors: list[float], mean: float, low: float, high: float, variance: float
) -> None:
    found = random_effects(effects(log_ratios, errors))
    assert found.ratio == pytest.approx((math.exp(mean), math.exp(low), math.exp(high)), rel=1e-6)
    assert found.between**2 == pytest.approx(variance, abs=1e-6)
    assert found.machines == len(errors) and found.within == statistics.median(errors)


@pytest.mark.parametrize("free", [1, 2, 3, 4, 7, 10, 26, 199])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_students_t_is_that_of_scipy(confidence: float, free: int) -> None:
    assert student_t(confidence, free) == pytest.approx(stats.t.ppf((1 + confidence) / 2, free), rel=1e-9)


def test_another_machine_lies_where_higgins_thompson_and_spiegelhalter_say() -> None:
    """Equation 12 of theirs, from the summary's own parts."""
    found = random_effects(effects(*COMPUTED[0][:2]))
    middle, low, _ = found.ratio
    assert low is not None
    error = math.log(middle / low) / stats.t.ppf(0.975, 26)
    further = stats.t.ppf(0.975, 25) * math.hypot(found.between, error)
    assert found.prediction == pytest.approx((middle * math.exp(-further), middle * math.exp(further)))


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    drawn = random.Random(11)
    held = 0
    for _ in range(400):
        errors = [drawn.uniform(0.01, 0.1) for _ in range(8)]
        machines = [Effect(-0.7 + drawn.gauss(0, 0.1) + drawn.gauss(0, error), error) for error in errors]
        _, low, high = random_effects(machines).ratio
        assert low is not None and high is not None
        held += low < math.exp(-0.7) < high
    assert 0.93 < held / 400 < 0.98


def test_two_machines_say_nothing_of_a_spread() -> None:
    with pytest.raises(ValueError, match="3 machines are needed, not 2"):
        random_effects(effects([0.1, 0.2], [0.1, 0.1]))


def test_extreme_numbers_stay_numbers() -> None:
    found = random_effects(effects([-7.0, 0.0, 7.0], [1e-9, 1e-9, 1e-9]))
    assert all(math.isfinite(number) for number in (*found.prediction, found.between) if number is not None)


@pytest.mark.parametrize("confidence", [0.95, 0.975])
def test_a_standard_error_comes_from_the_interval_at_its_confidence(confidence: float) -> None:
    """Over many runs the two confidences give about the same error, that of the rounds' mean."""
    drawn = random.Random(3)
    found = []
    for _ in range(50):
        pairs = [(math.exp(drawn.gauss(-0.7, 0.05)), 1.0) for _ in range(16)]
        known = effect(paired_ratio(pairs, confidence))
        assert known is not None
        found.append(known.standard_error)
    assert 0.8 < statistics.mean(found) / (0.05 / 4) < 1.3


def test_without_an_interval_of_some_width_there_is_no_standard_error() -> None:
    assert effect(paired_ratio([(1.0, 2.0)] * 3)) is None
    assert effect(paired_ratio([(1.0, 2.0)] * 12)) is None
