"""The verdict on a mode against the baseline: one of four sentences (docs/method.md §5), or why there is none.

Its rule: the sentences are those of the specification, word for word, and only `conclude` chooses among them.

- less, more: the whole interval lies outside 1 ± δ.
- same: the whole interval lies inside.
- inconclusive: neither.
- void: the numbers must not be used (validity.py).
- none: too few rounds for an interval, or nothing to compare.
- exploratory: a quick run, whose ratio is said without a verdict word.
"""

import math
from dataclasses import dataclass
from typing import Literal

from profiles.store.records import Run
from reports.analysis.findings import Validity
from reports.analysis.paired_ratio import (
    FEWEST_ROUNDS,
    TARGET_HALF_WIDTH,
    Paired,
    paired_ratio,
    percent,
)
from reports.analysis.rounds import PRIMARY, Dataset
from reports.analysis.text import interval, plural, times

SMALLEST_DELTA = 0.02

VerdictKind = Literal["less", "more", "same", "inconclusive", "void", "none", "exploratory"]
SIGNS: dict[VerdictKind, str] = {
    "less": "↓",
    "more": "↑",
    "same": "=",
    "inconclusive": "?",
    "void": "✕",
    "none": "–",
    "exploratory": "≈",
}


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
    return tuple(_verdict(dataset, validity, mode, delta(aa_floor)) for mode in dataset.others)


def _verdict(dataset: Dataset, validity: Validity, mode: str, margin: float) -> Verdict:
    pairs = dataset.pairs(mode, PRIMARY)
    paired = paired_ratio(pairs, dataset.confidence) if pairs else None
    baseline = dataset.run.baseline
    if reason := validity.void_reason(mode):
        return Verdict(mode, "void", f"void: {reason}", paired)
    if reason := validity.void_reason(baseline):
        return Verdict(mode, "void", f"void: the baseline {baseline}: {reason}", paired)
    if paired is None:
        return Verdict(mode, "none", _nothing(dataset))
    if dataset.run.quick:
        return Verdict(mode, "exploratory", _about(paired, baseline), paired)
    if paired.low is None or paired.high is None:
        return Verdict(mode, "none", _too_few(paired), paired)
    return _from_interval(mode, dataset.run, paired, margin)


def _about(paired: Paired, baseline: str) -> str:
    """No verdict words: there are too few rounds for them."""
    ratio, low, high = paired.estimate
    numbers, rounds = times(ratio), f"median of {plural(paired.rounds, 'round')}"
    if low is not None:
        numbers, rounds = interval(ratio, low, high), plural(paired.rounds, "round")
    return f"about {numbers} the server CPU per GiB of {baseline} (exploratory, {rounds})"


def _from_interval(mode: str, run: Run, paired: Paired, margin: float) -> Verdict:
    assert paired.low is not None and paired.high is not None
    numbers = interval(paired.ratio, paired.low, paired.high)
    if paired.high < 1 - margin or paired.low > 1 + margin:
        evidence = f"({plural(paired.rounds, 'round')}, {percent(paired.confidence)} CI)"
        sentence = f"{mode} uses {numbers} the server CPU per GiB of {run.baseline} {evidence}"
        return Verdict(mode, "less" if paired.high < 1 else "more", sentence, paired)
    if 1 - margin <= paired.low and paired.high <= 1 + margin:
        return Verdict(mode, "same", f"no difference beyond ±{percent(margin)} ({numbers})", paired)
    more = plural(more_rounds(paired, margin, run.precision), "more round")
    return Verdict(mode, "inconclusive", f"inconclusive: {numbers}; about {more}", paired)


def more_rounds(paired: Paired, margin: float, precision: float = 0.0) -> int:
    """N ≈ n·(half-width/target)² - n, at least 1.

    The target is the precision that the campaign was asked for, 0 for none: then its default. Where that decided
    nothing, it is δ.
    """
    half_width, asked = paired.half_width, precision or TARGET_HALF_WIDTH
    assert half_width is not None
    target = asked if half_width > asked else margin
    return max(1, round(paired.rounds * (half_width / target) ** 2) - paired.rounds)


def _too_few(paired: Paired) -> str:
    have = plural(paired.rounds, "complete round")
    return f"no verdict: {have}, {paired.reason} (the median of the rounds is {times(paired.median)})"


def _nothing(dataset: Dataset) -> str:
    if not dataset.rounds:
        return f"no verdict: no complete round, {FEWEST_ROUNDS} are needed for an interval"
    return "no verdict: server CPU per GiB is unknown or zero in every round"
