"""One ratio out of paired rounds: the Hodges–Lehmann estimate with the exact Wilcoxon signed-rank interval.

Its rule: a round is one observation, log(mode / baseline), and nothing inside a round is (docs/method.md §4). Ratios
are never averaged arithmetically: 0.5x and 2x are the same distance from 1.

Why this interval: in simulation its nominal 95 % covered 96 % of clean and 95 % of spiky runs of 10 rounds, where
the bootstrap covered 90 % and 80 %. The price is that few rounds cannot reach a level at all: with n rounds the
widest interval, from the smallest to the largest round, covers 1 - 2/2**n, so 95 % need 6 rounds.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from knobs import KNOBS

FEWEST_ROUNDS = 6
FAMILY_CONFIDENCE = 0.95
LOOKS = (9, 10, 11, 12, 13, 14, 16, 18, 20, 24)  # rounds; each later look comes after half as many again
TARGET_HALF_WIDTH = float(KNOBS["PRECISION"].of["load"])  # docs/method.md §4

Estimate = tuple[float, float | None, float | None]  # a value, and both ends of its interval or None twice


@dataclass(frozen=True, slots=True)
class Paired:
    """mode / baseline over paired rounds. low and high are None together, and then `reason` says why."""

    ratio: float
    low: float | None
    high: float | None
    rounds: int
    confidence: float
    ratios: tuple[float, ...]
    reason: str | None = None

    @property
    def median(self) -> float:
        """The middle round: what can be said without an interval."""
        return statistics.median(self.ratios)

    @property
    def estimate(self) -> Estimate:
        """The ratio with its interval, or the median where there is no interval."""
        return (self.median if self.low is None else self.ratio), self.low, self.high

    @property
    def half_width(self) -> float | None:
        """Half the interval's width on the log scale: 0.05 is about ±5 %."""
        return None if self.low is None or self.high is None else math.log(self.high / self.low) / 2

    @property
    def inverted(self) -> "Paired":
        """baseline / mode, from the same evidence."""
        low, high = (None if edge is None else 1 / edge for edge in (self.high, self.low))
        return replace(self, ratio=1 / self.ratio, low=low, high=high, ratios=tuple(1 / one for one in self.ratios))


def paired_ratio(pairs: Sequence[tuple[float, float]], confidence: float = FAMILY_CONFIDENCE) -> Paired:
    """Compare (mode, baseline) per round. Raises ValueError without pairs, or where one is not above zero."""
    if not pairs:
        raise ValueError("there is no round to compare")
    if not all(mode > 0 and baseline > 0 for mode, baseline in pairs):
        raise ValueError("a ratio needs values above zero")
    ratios = tuple(mode / baseline for mode, baseline in pairs)
    middle, low, high = hodges_lehmann([math.log(ratio) for ratio in ratios], confidence)
    if low is None or high is None:
        reason = f"{rounds_needed(confidence)} are needed for an interval of {percent(confidence)}"
        return Paired(math.exp(middle), None, None, len(ratios), confidence, ratios, reason)
    return Paired(math.exp(middle), math.exp(low), math.exp(high), len(ratios), confidence, ratios)


def hodges_lehmann(values: Sequence[float], confidence: float) -> Estimate:
    """The median of the averages of all pairs of values, each with itself too, and its exact interval."""
    averages = sorted((a + b) / 2 for i, a in enumerate(values) for b in values[i:])
    rank = critical_rank(len(values), confidence) if len(values) >= FEWEST_ROUNDS else 0
    low, high = (averages[rank - 1], averages[-rank]) if rank else (None, None)
    return statistics.median(averages), low, high


def family_confidence(comparisons: int) -> float:
    """The confidence of each interval that makes all hold together with 95 % (Bonferroni, docs/method.md §4)."""
    return 1 - (1 - FAMILY_CONFIDENCE) / max(1, comparisons)


@lru_cache(maxsize=64)
def critical_rank(n: int, confidence: float) -> int:
    """k, so that the k-th smallest and k-th largest average enclose the interval; 0 where no k is enough."""
    return rank_of(signed_rank_counts(n), 2**n, confidence)


def rank_of(counts: Sequence[int], total: int, confidence: float) -> int:
    """The largest k with P(T < k) <= (1 - confidence) / 2: counts[t] of `total` equally likely orders have T = t."""
    share = (1 - confidence) / 2 * (1 + 1e-12)  # takes back the rounding of 1 - confidence
    most = int(Fraction(share) * total)
    below = rank = 0
    while (below := below + counts[rank]) <= most:
        rank += 1
    return rank


def signed_rank_counts(n: int) -> list[int]:
    """How many subsets of the ranks 1..n have the sum t, for every t."""
    counts = [1]
    for rank in range(1, n + 1):
        shifted = [0] * rank + counts
        counts = [a + b for a, b in zip(counts + [0] * rank, shifted, strict=True)]
    return counts


def rounds_needed(confidence: float) -> int:
    """The fewest rounds whose widest interval reaches this confidence."""
    n = FEWEST_ROUNDS
    while critical_rank(n, confidence) == 0:
        n += 1
    return n


def looks(confidence: float, most: int) -> tuple[int, ...]:
    """After how many rounds precision is looked at, up to and including `most`: fixed before the run
    (docs/method.md §4). Not before the interval is narrower than from the smallest to the largest round."""
    first, due = max(LOOKS[0], rounds_needed(confidence) + 1), list(LOOKS)
    while due[-1] < most:
        due.append(due[-1] * 3 // 2)
    return (*sorted({first, *due} & set(range(first, most))), most)


def percent(share: float) -> str:
    """95 %, 97.5 %, 98.33 %."""
    return f"{100 * share:.4g} %"
