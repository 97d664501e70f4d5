"""Which mode is the cheapest, as far as the intervals allow, and how large the differences are, in words. Pure.

Its rule: no order follows from estimates alone. The intervals against the baseline hold together (docs/method.md §4),
so one mode is cheaper than another where its whole interval lies below the other's, by more than δ; and with the
baseline, where its verdict says so (§5).
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from reports.analysis.verdict import Verdict

PERCENT_BELOW = 2.0  # times; smaller differences are said in percent


@dataclass(frozen=True, slots=True)
class _Placed:
    """A mode's ratio to the baseline, with its interval."""

    mode: str
    ratio: float
    low: float
    high: float
    baseline: bool = False

    def below(self, other: "_Placed", delta: float) -> bool:
        """Whether it is cheaper for certain."""
        margin = 1 - delta if other.baseline else 1 / (1 + delta)
        return self.high < other.low * margin


@dataclass(frozen=True, slots=True)
class Group:
    """Modes of which none is dearer than the first for certain. alike: no two of them can be told apart. near: modes of
    cheaper groups that one of these cannot be told from."""

    modes: tuple[str, ...]
    alike: bool
    near: tuple[str, ...]

    def __str__(self) -> str:
        leader = self.modes[0]
        others = "cannot be told apart" if self.alike else f"the others cannot be told from {leader}"
        others = others if len(self.modes) > 1 else ""
        near = f"{'nor' if others else 'cannot be told'} from {', '.join(self.near)}" if self.near else ""
        notes = ", ".join(filter(None, (others, near)))
        return ", ".join(self.modes) + (f" ({notes})" if notes else "")


def groups(verdicts: Sequence[Verdict], baseline: str, delta: float) -> tuple[Group, ...]:
    """The cheapest modes, then those that are dearer than the first of them, and so on. Empty where nothing has an
    interval that may be judged."""
    left = _placed(verdicts, baseline)
    found: list[Group] = []
    before: list[_Placed] = []
    while left:
        first = left[0]
        members = [one for one in left if not first.below(one, delta)]
        left = [one for one in left if first.below(one, delta)]
        alike = not any(_apart(a, b, delta) for a, b in itertools.combinations(members, 2))
        near = tuple(one.mode for one in before if not all(_apart(one, member, delta) for member in members))
        found.append(Group(tuple(one.mode for one in members), alike, near))
        before += members
    return tuple(found)


def ranking(verdicts: Sequence[Verdict], baseline: str, delta: float) -> tuple[str, ...]:
    """Lines: the order, then how the first mode of each group stands to the baseline; none without an order."""
    ranked = groups(verdicts, baseline, delta)
    if not ranked:
        return ()
    known = {mode for group in ranked for mode in group.modes}
    missing = [f"{each.mode} ({_why_not(each)})" for each in verdicts if each.mode not in known]
    order = "cheapest: " + "; then ".join(map(str, ranked))
    words = {verdict.mode: said for verdict in verdicts if (said := in_words(verdict, baseline))}
    differences = [words[group.modes[0]] for group in ranked if group.modes[0] in words]
    return (order + (f"; not ranked: {', '.join(missing)}" if missing else ""), *differences)


def in_words(verdict: Verdict, baseline: str) -> str | None:
    """sendfile needs 2.4 times less CPU than read-send (2.2 to 2.7); None without a clear difference."""
    paired = verdict.paired
    if verdict.kind not in ("less", "more") or paired is None or paired.low is None or paired.high is None:
        return None
    less = verdict.kind == "less"
    ratio, low, high = (paired.ratio, paired.low, paired.high) if not less else paired.inverted.estimate
    assert low is not None and high is not None
    if ratio >= PERCENT_BELOW:
        value, extent = _said((ratio, low, high), 1 if high < 10 else 0, "")
        how = f"{value} times less CPU than" if less else f"{value} times as much CPU as"
    else:
        ends = sorted(abs(100 * (1 - each)) for each in (paired.low, paired.high))
        value, extent = _said((abs(100 * (1 - paired.ratio)), ends[0], ends[1]), 0, " %")
        how = f"{value} {'less' if less else 'more'} CPU than"
    return f"{verdict.mode} needs {how} {baseline} ({extent})"


def _said(estimate: tuple[float, float, float], places: int, unit: str) -> tuple[str, str]:
    """The value, and "low to high"; with one more place where both ends would look the same."""
    value, low, high = (f"{each:,.{places}f}" for each in estimate)
    if low == high and places < 3:
        return _said(estimate, places + 1, unit)
    return f"{value}{unit}", f"{low} to {high}{unit}"


def _apart(a: _Placed, b: _Placed, delta: float) -> bool:
    return a.below(b, delta) or b.below(a, delta)


def _placed(verdicts: Sequence[Verdict], baseline: str) -> list[_Placed]:
    """The cheapest first, by their estimates; with the baseline, where there is another."""
    found = [
        _Placed(verdict.mode, paired.ratio, paired.low, paired.high)
        for verdict in verdicts
        if (paired := verdict.paired) and verdict.kind in ("less", "more", "same", "inconclusive")
        if paired.low is not None and paired.high is not None
    ]
    if found:
        found.append(_Placed(baseline, 1.0, 1.0, 1.0, baseline=True))
    return sorted(found, key=lambda one: one.ratio)


def _why_not(verdict: Verdict) -> str:
    return "void" if verdict.kind == "void" else "no interval"
