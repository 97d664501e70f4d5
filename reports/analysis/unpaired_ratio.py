"""One ratio out of the rounds of two runs: Hodges–Lehmann's estimate for two samples, with the interval that goes
with the Mann–Whitney test (Hodges & Lehmann 1963; Hollander, Wolfe & Chicken, "Nonparametric Statistical Methods",
3rd edition, §4.2 and §4.3).

Its rule: it knows how much the rounds differ *within* each run, and not how much one run differs from the next on the
same machine. The interval is too narrow by just that, so `CAVEAT` goes wherever the interval goes, and nothing here
is a verdict (docs/method.md §4).
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from reports.analysis.paired_ratio import FEWEST_ROUNDS, percent, rank_of

CAVEAT = "across runs: not paired, between-run variation unknown"
MOST_COUNTED = 2_500  # pairs of rounds whose distribution is counted exactly; beyond, the normal one is as good


@dataclass(frozen=True, slots=True)
class Unpaired:
    """a / b over unpaired rounds. low and high are None together, and then `reason` says why."""

    ratio: float
    low: float | None
    high: float | None
    reason: str | None = None


def unpaired_ratio(a: Sequence[float], b: Sequence[float], confidence: float = 0.95) -> Unpaired:
    """Compare the rounds of two runs. Raises ValueError where there are none, or where one is not above zero."""
    if not a or not b:
        raise ValueError("there is no round to compare")
    if not all(value > 0 for value in (*a, *b)):
        raise ValueError("a ratio needs values above zero")
    differences = sorted(math.log(x) - math.log(y) for x in a for y in b)
    ratio = math.exp(statistics.median(differences))
    if min(len(a), len(b)) < FEWEST_ROUNDS:
        return Unpaired(ratio, None, None, f"{FEWEST_ROUNDS} rounds of each run are needed for an interval")
    rank = critical_rank(len(a), len(b), confidence)
    if rank == 0:
        reason = f"{len(a)} and {len(b)} rounds are too few for an interval of {percent(confidence)}"
        return Unpaired(ratio, None, None, reason)
    return Unpaired(ratio, math.exp(differences[rank - 1]), math.exp(differences[-rank]))


@lru_cache(maxsize=64)
def critical_rank(m: int, n: int, confidence: float) -> int:
    """k, so that the k-th smallest and the k-th largest difference enclose the interval; 0 where no k is enough."""
    if m * n > MOST_COUNTED:
        spread = math.sqrt(m * n * (m + n + 1) / 12)
        quantile = statistics.NormalDist().inv_cdf((1 - confidence) / 2)
        return max(0, math.floor(m * n / 2 + quantile * spread + 0.5))
    return rank_of(mann_whitney_counts(m, n), math.comb(m + n, m), confidence)


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
