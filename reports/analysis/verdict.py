"""The verdict on a mode against the baseline: one of four sentences (docs/method.md §5), or why there is none.

Its rule: the sentences are those of the specification, word for word, and only `conclude` chooses among them.

- less, more: the whole interval lies outside 1 ± δ.
- same: the whole interval lies inside.
- inconclusive: neither.
- void: the numbers must not be used (validity.py).
- none: too few rounds for an interval, or nothing to compare.
"""

import math
from dataclasses import dataclass
from typing import Literal

from reports.analysis.findings import Validity
from reports.analysis.paired_ratio import (
    FEWEST_ROUNDS,
    TARGET_HALF_WIDTH,
    Paired,
    family_confidence,
    paired_ratio,
    percent,
)
from reports.analysis.rounds import PRIMARY, Dataset
from reports.analysis.text import interval, plural, times

SMALLEST_DELTA = 0.02

VerdictKind = Literal["less", "more", "same", "inconclusive", "void", "none"]
SIGNS: dict[VerdictKind, str] = {"less": "↓", "more": "↑", "same": "=", "inconclusive": "?", "void": "✕", "none": "–"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """sentence: the verdict on `mode`. paired: the numbers behind it, None where there are none."""

    mode: str
    kind: VerdictKind
    sentence: str
    paired: Paired | None = None

    @property
    def line(self) -> str:
        """The sentence where it stands alone, without a heading that names the mode."""
        return self.sentence if self.kind in ("less", "more") else f"{self.mode}: {self.sentence}"


def delta(aa_floor: float | None) -> float:
    """The smallest difference that matters: 2 %, or the machine's A/A floor, rounded up to 0.1 %.

    aa_floor: Floor.reach; None: never measured.
    """
    return max(SMALLEST_DELTA, math.ceil((aa_floor or 0.0) * 1000 - 1e-9) / 1000)


def conclude(dataset: Dataset, validity: Validity, aa_floor: float | None = None) -> tuple[Verdict, ...]:
    """One verdict per mode other than the baseline."""
    level = family_confidence(len(dataset.others))
    return tuple(_verdict(dataset, validity, mode, level, delta(aa_floor)) for mode in dataset.others)


def _verdict(dataset: Dataset, validity: Validity, mode: str, level: float, margin: float) -> Verdict:
    pairs = dataset.pairs(mode, PRIMARY)
    paired = paired_ratio(pairs, level) if pairs else None
    baseline = dataset.run.baseline
    if reason := validity.void_reason(mode):
        return Verdict(mode, "void", f"void: {reason}", paired)
    if reason := validity.void_reason(baseline):
        return Verdict(mode, "void", f"void: the baseline {baseline}: {reason}", paired)
    if paired is None:
        return Verdict(mode, "none", _nothing(dataset))
    if paired.low is None or paired.high is None:
        return Verdict(mode, "none", _too_few(paired), paired)
    return _from_interval(mode, baseline, paired, margin)


def _from_interval(mode: str, baseline: str, paired: Paired, margin: float) -> Verdict:
    assert paired.low is not None and paired.high is not None
    numbers = interval(paired.ratio, paired.low, paired.high)
    if paired.high < 1 - margin or paired.low > 1 + margin:
        evidence = f"({plural(paired.rounds, 'round')}, {percent(paired.confidence)} CI)"
        sentence = f"{mode} uses {numbers} the server CPU per GiB of {baseline} {evidence}"
        return Verdict(mode, "less" if paired.high < 1 else "more", sentence, paired)
    if 1 - margin <= paired.low and paired.high <= 1 + margin:
        return Verdict(mode, "same", f"no difference beyond ±{percent(margin)} ({numbers})", paired)
    more = plural(more_rounds(paired, margin), "more round")
    return Verdict(mode, "inconclusive", f"inconclusive: {numbers}; about {more}", paired)


def more_rounds(paired: Paired, margin: float) -> int:
    """N ≈ n·(half-width/target)² - n, at least 1.

    The target is the precision at which a campaign may stop; where that decided nothing, it is δ.
    """
    half_width = paired.half_width
    assert half_width is not None
    target = TARGET_HALF_WIDTH if half_width > TARGET_HALF_WIDTH else margin
    return max(1, round(paired.rounds * (half_width / target) ** 2) - paired.rounds)


def _too_few(paired: Paired) -> str:
    have = plural(paired.rounds, "complete round")
    return f"no verdict: {have}, {paired.reason} (the median of the rounds is {times(paired.median)})"


def _nothing(dataset: Dataset) -> str:
    if not dataset.rounds:
        return f"no verdict: no complete round, {FEWEST_ROUNDS} are needed for an interval"
    return "no verdict: server CPU per GiB is unknown or zero in every round"
