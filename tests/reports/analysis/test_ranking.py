"""The ranking says what the intervals allow, and nothing more."""

import pytest

from reports.analysis.paired_ratio import Paired
from reports.analysis.ranking import groups, in_words, ranking
from reports.analysis.verdict import Verdict, VerdictKind, delta

BASE, MARGIN = "read-send", delta(None)


def verdict(mode: str, ratio: float, low: float, high: float) -> Verdict:
    kind: VerdictKind = "less" if high < 1 - MARGIN else "more" if low > 1 + MARGIN else "inconclusive"
    return Verdict(mode, kind, "…", Paired(ratio, low, high, 12, 0.98, (ratio,) * 12))


def said(*verdicts: Verdict) -> list[str]:
    return list(ranking(verdicts, BASE, MARGIN))


def test_modes_whose_intervals_touch_cannot_be_told_apart() -> None:
    found = said(
        verdict("splice", 0.43, 0.41, 0.45),
        verdict("read-whole", 2.97, 2.86, 3.07),
        verdict("sendfile", 0.42, 0.37, 0.455),
        verdict("readv", 1.0, 0.97, 1.03),
    )
    assert found == [
        "cheapest: sendfile, splice (cannot be told apart); then readv, read-send (cannot be told apart); "
        "then read-whole",
        "sendfile needs 2.4 times less CPU than read-send (2.2 to 2.7)",
        "read-whole needs 3.0 times as much CPU as read-send (2.9 to 3.1)",
    ]


def test_the_baseline_is_told_apart_exactly_where_the_verdict_does() -> None:
    for ratio, high, apart in ((0.95, 0.9799, True), (0.95, 0.9801, False)):
        (first, *_) = groups([verdict("a", ratio, 0.93, high)], BASE, MARGIN)
        assert (first.modes == ("a",)) == apart
    for low, apart in ((1.0201, True), (1.0199, False)):
        (first, *_) = groups([verdict("a", 1.05, low, 1.1)], BASE, MARGIN)
        assert (first.modes == (BASE,)) == apart


def test_a_difference_within_delta_is_none_between_other_modes_either() -> None:
    near = [verdict("a", 0.400, 0.399, 0.401), verdict("b", 0.405, 0.404, 0.406)]
    assert groups(near, BASE, MARGIN)[0].modes == ("a", "b") and groups(near, BASE, 0.0)[0].modes == ("a",)


def test_no_order_is_claimed_through_a_mode_between_two_others() -> None:
    """a and c are apart, but b may be like either; d is like b alone."""
    chain = [verdict("a", 0.40, 0.38, 0.42), verdict("b", 0.43, 0.40, 0.46), verdict("c", 0.46, 0.44, 0.48)]
    assert said(*chain)[0] == "cheapest: a, b (cannot be told apart); then c (cannot be told from b); then read-send"
    pair = [*chain[:2], verdict("c", 0.455, 0.44, 0.47), verdict("d", 0.46, 0.45, 0.48)]
    assert "; then c, d (cannot be told apart, nor from b); then" in said(*pair)[0]
    wide = [verdict("a", 0.40, 0.36, 0.48), verdict("b", 0.41, 0.40, 0.42), verdict("c", 0.46, 0.44, 0.47)]
    (first, *_) = groups(wide, BASE, MARGIN)
    assert (first.modes, first.alike) == (("a", "b", "c"), False) and str(
        first
    ) == "a, b, c (the others cannot be told from a)"


def test_what_has_no_verdict_is_not_ranked_and_named() -> None:
    void = Verdict("zerocopy-send", "void", "void: copied")
    few = Verdict("mmap", "none", "no verdict: …", Paired(0.5, None, None, 3, 0.98, (0.5,) * 3, "few"))
    clear = verdict("sendfile", 0.42, 0.40, 0.44)
    assert said(clear, void, few)[0].endswith("; not ranked: zerocopy-send (void), mmap (no interval)")
    assert said(void, few) == [] and said() == []
    quick = Verdict("sendfile", "exploratory", "about …", clear.paired)
    assert said(quick) == [], "a quick run gets no verdict words"


@pytest.mark.parametrize(
    ("ratio", "low", "high", "words"),
    [
        (0.52, 0.48, 0.56, "a needs 48 % less CPU than read-send (44 to 52 %)"),
        (1.90, 1.80, 2.00, "a needs 90 % more CPU than read-send (80 to 100 %)"),
        (0.90, 0.88, 0.93, "a needs 10 % less CPU than read-send (7 to 12 %)"),
        (1.12, 1.09, 1.15, "a needs 12 % more CPU than read-send (9 to 15 %)"),
        (0.96, 0.9596, 0.9604, "a needs 4.00 % less CPU than read-send (3.96 to 4.04 %)"),
        (0.05, 0.04, 0.0625, "a needs 20 times less CPU than read-send (16 to 25)"),
        (2.31, 2.31, 2.33, "a needs 2.31 times as much CPU as read-send (2.31 to 2.33)"),
    ],
)
def test_differences_are_said_as_a_person_would(ratio: float, low: float, high: float, words: str) -> None:
    assert in_words(verdict("a", ratio, low, high), BASE) == words
