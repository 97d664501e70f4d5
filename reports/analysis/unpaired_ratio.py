"""One ratio out of the rounds of two runs: Hodges–Lehmann's estimate for two samples, with the interval that goes
with the Mann–Whitney test (Hodges & Lehmann 1963; Hollander, Wolfe & Chicken, "Nonparametric Statistical Methods",
3rd edition, §4.2 and §4.3).

Its rule: it knows only how much the rounds differ *within* each run. How much one run differs from the next on the
same machine cannot be seen in one run of each, so the interval is too narrow by just that, and `CAVEAT` goes wherever
the interval goes. A round is one observation, its logarithm is compared, and nothing here is a verdict (method.md §4).
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from reports.analysis.paired_ratio import FEWEST_ROUNDS, percent

CAVEAT = "across runs: not paired, between-run variation unknown"
MOST_COUNTED = 2_500  # pairs of rounds whose distribution is counted exactly; beyond, the normal one is as good


@dataclass(frozen=True, slots=True)
class Across:
    """a / b over unpaired rounds. low and high are None together, and then `reason` says why."""

    ratio: float
    low: float | None
    high: float | None
    rounds: tuple[int, int]
    confidence: float
    reason: str | None = None


def unpaired_ratio(a: Sequence[float], b: Sequence[float], confidence: float = 0.95) -> Across:
    """Compare the rounds of two runs. Raises ValueError where there are none, or where one is not above zero."""
    if not a or not b:
        raise ValueError("there is no round to compare")
    if not all(value > 0 for value in (*a, *b)):
        raise ValueError("a ratio needs values above zero")
    differences = sorted(math.log(x) - math.log(y) for x in a for y in b)
    ratio, rounds = math.exp(statistics.median(differences)), (len(a), len(b))
    if min(rounds) < FEWEST_ROUNDS:
        reason = f"{FEWEST_ROUNDS} rounds of each run are needed for an interval"
        return Across(ratio, None, None, rounds, confidence, reason)
    rank = critical_rank(*rounds, confidence)
    if rank == 0:
        reason = f"{rounds[0]} and {rounds[1]} rounds are too few for an interval of {percent(confidence)}"
        return Across(ratio, None, None, rounds, confidence, reason)
    return Across(ratio, math.exp(differences[rank - 1]), math.exp(differences[-rank]), rounds, confidence)


@lru_cache(maxsize=64)
def critical_rank(m: int, n: int, confidence: float) -> int:
    """k, so that the k-th smallest and the k-th largest difference enclose the interval; 0 where no k is enough.

    k is the largest with P(U < k) <= (1 - confidence) / 2, U being the Mann–Whitney count of two equal populations.
    """
    share = (1 - confidence) / 2 * (1 + 1e-12)  # the grain takes back the rounding of 1 - confidence
    if m * n > MOST_COUNTED:
        spread = math.sqrt(m * n * (m + n + 1) / 12)
        return max(0, math.floor(m * n / 2 + statistics.NormalDist().inv_cdf(share) * spread + 0.5))
    counts = mann_whitney_counts(m, n)
    most = int(Fraction(share) * math.comb(m + n, m))
    below = rank = 0
    while (below := below + counts[rank]) <= most:
        rank += 1
    return rank


def mann_whitney_counts(m: int, n: int) -> list[int]:
    """In how many orders of m and n observations u pairs stand the one way round, for every u from 0 to m·n.

    They are the coefficients of the Gaussian binomial: the product of (1 - q^(n+i)) / (1 - q^i) for i = 1 … m.
    """
    counts = [1] + [0] * (m * n)
    for i in range(1, m + 1):
        for u in range(m * n, n + i - 1, -1):
            counts[u] -= counts[u - n - i]
        for u in range(i, m * n + 1):
            counts[u] += counts[u - i]
    return counts
