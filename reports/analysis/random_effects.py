"""One ratio out of several machines' ratios: the random-effects summary of a meta-analysis.

Its rule: machines differ from each other, and each machine's own ratio is known to within its interval; the two are
estimated apart. Both are on the log scale.

- Between machines: the variance of Paule & Mandel (1982), recommended by Veroniki et al. (2016, doi:10.1002/jrsm.1164).
- The summary's interval: Hartung & Knapp (2001, doi:10.1002/sim.1009), with Student's t of machines - 1 degrees of
  freedom; never narrower than with a scale of 1 (Röver, Knapp & Friede 2015, doi:10.1186/s12874-015-0091-1).
- Where another machine would lie: Higgins, Thompson & Spiegelhalter (2009, doi:10.1111/j.1467-985X.2008.00552.x),
  Student's t with machines - 2 degrees of freedom.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from reports.analysis.paired_ratio import Estimate, Paired

FEWEST_MACHINES = 3
CONFIDENCE = 0.95
_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class Effect:
    """A machine's log ratio, and its standard error, above 0."""

    log_ratio: float
    standard_error: float


@dataclass(frozen=True, slots=True)
class RandomEffects:
    """ratio: with its 95 % interval, over all machines. prediction: the 95 % interval for another machine's ratio.

    between: standard deviation of log ratios between machines. within: median of the machines' standard errors.
    """

    machines: int
    ratio: Estimate
    prediction: tuple[float, float]
    between: float
    within: float


def effect(paired: Paired) -> Effect | None:
    """The standard error is the half-width of the interval over the normal quantile of its confidence. None without an
    interval, or where it is of no width, which no measurement's is."""
    if not paired.half_width:
        return None
    quantile = statistics.NormalDist().inv_cdf((1 + paired.confidence) / 2)
    return Effect(math.log(paired.ratio), paired.half_width / quantile)


def random_effects(effects: Sequence[Effect]) -> RandomEffects:
    """Raises ValueError for fewer than three machines: two do not tell how far machines lie apart."""
    if len(effects) < FEWEST_MACHINES:
        raise ValueError(f"{FEWEST_MACHINES} machines are needed, not {len(effects)}")
    free = len(effects) - 1
    variance = _between_variance(effects)
    mean, spread, weights = _weighted(effects, variance)
    error = math.sqrt(max(1.0, spread / free) / weights)
    reach = student_t(CONFIDENCE, free) * error
    further = student_t(CONFIDENCE, free - 1) * math.hypot(math.sqrt(variance), error)
    return RandomEffects(
        len(effects),
        (math.exp(mean), math.exp(mean - reach), math.exp(mean + reach)),
        (math.exp(mean - further), math.exp(mean + further)),
        math.sqrt(variance),
        statistics.median(each.standard_error for each in effects),
    )


def _weighted(effects: Sequence[Effect], variance: float) -> tuple[float, float, float]:
    """The mean with weights 1 / (variance between + within), Cochran's Q about it, and the sum of the weights."""
    weights = [1 / (variance + each.standard_error**2) for each in effects]
    mean = sum(weight * each.log_ratio for weight, each in zip(weights, effects, strict=True)) / sum(weights)
    spread = sum(weight * (each.log_ratio - mean) ** 2 for weight, each in zip(weights, effects, strict=True))
    return mean, spread, sum(weights)


def _between_variance(effects: Sequence[Effect]) -> float:
    """Where Q equals its degrees of freedom (Paule–Mandel); 0 where it is smaller already."""
    free = len(effects) - 1
    low, high = 0.0, (max(each.log_ratio for each in effects) - min(each.log_ratio for each in effects)) ** 2
    if _weighted(effects, low)[1] <= free:
        return 0.0
    for _ in range(_HALVINGS):  # Q falls as the variance grows; at `high` it is below its degrees of freedom
        middle = (low + high) / 2
        low, high = (middle, high) if _weighted(effects, middle)[1] > free else (low, middle)
    return high


def student_t(confidence: float, free: int) -> float:
    """t, so that Student's t with so many degrees of freedom is within ±t with this probability."""
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, free) < confidence else (low, middle)
    return math.sqrt(free) * math.tan(low)


def _within(angle: float, free: int) -> float:
    """P(|t| < sqrt(free) tan(angle)): Abramowitz & Stegun, 26.7.3 for odd and 26.7.4 for even degrees of freedom."""
    odd = free % 2
    term, total = math.cos(angle) ** odd, 0.0
    for power in range(odd, free - 1, 2):
        term *= (power - 1) / power * math.cos(angle) ** 2 if power > 1 else 1.0
        total += term
    series = math.sin(angle) * total
    return 2 / math.pi * (angle + series) if odd else series
