"""Numbers read as people expect, and unknown never looks like one."""

import pytest

from reports.analysis import text
from reports.analysis.rounds import Spread


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "unknown"), (0, "0"), (5.0, "5"), (0.01234, "0.0123"), (0.4421, "0.442"), (4.396, "4.40"),
        (60.42, "60.4"), (904.3, "904"), (262144.0, "262,144"), (-0.0271, "-0.0271"), (1234.5, "1,234"),
    ],
)  # fmt: skip
def test_three_significant_digits(value: float | None, shown: str) -> None:
    assert text.number(value) == shown


def test_hundredths_have_no_negative_zero() -> None:
    assert [text.hundredths(value) for value in (-0.001, 0.0, 1.999, -0.02)] == ["0.00", "0.00", "2.00", "-0.02"]


def test_bytes_are_sizes_and_other_units_follow_the_number() -> None:
    assert text.quantity(25_165_824, "bytes") == "24 MiB"
    assert text.quantity(0.25, "s") == "0.250 s"
    assert text.quantity(None, "bytes") == "unknown"


def test_a_median_says_where_not_every_round_knew() -> None:
    assert text.median(Spread(1.5, 1, 2, 8, 10)) == "1.50 (8 of 10 rounds)"
    assert text.median(Spread(1.5, 1, 2, 10, 10)) == "1.50"
    assert text.median(None) == "unknown"


def test_intervals_keep_two_digits_of_their_smallest_number() -> None:
    assert text.interval(0.1837, 0.1702, 0.1961) == "0.18x [0.17, 0.20]"
    assert text.interval(0.0671, 0.0662, 0.0683) == "0.067x [0.066, 0.068]"
    assert text.interval(6555.2, 6549.8, 6562.1) == "6,555x [6,550, 6,562]"


def test_long_lists_are_cut_and_say_so() -> None:
    assert text.rounds_list([]) == ""
    assert text.rounds_list([4]) == "4"
    assert text.rounds_list([1, 2, 5]) == "1, 2 and 5"
    assert text.rounds_list(list(range(20))) == "0, 1, 2, 3, 4, 5, 6, 7 and 12 more"


@pytest.mark.parametrize(
    ("iso", "shown"),
    [
        ("2026-11-24T13:05:26+00:00", "2026-11-24 13:05 UTC"),
        ("2026-11-24T13:05:26+02:00", "2026-11-24 11:05 UTC"),
        ("2026-11-24T13:05:26", "2026-11-24T13:05:26"),
        ("<b>now</b>", "<b>now</b>"),
    ],
)
def test_a_moment_is_shown_to_the_minute_and_what_is_none_as_it_is(iso: str, shown: str) -> None:
    assert text.moment(iso) == shown
