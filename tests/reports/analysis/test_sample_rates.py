"""Rates are differences of what was counted, whatever is left out on the way."""

import pytest

from profiles.store.records import Sample
from reports.analysis.sample_rates import CPU, rates


def test_a_rate_is_a_difference_of_two_samples_of_one_process() -> None:
    samples = (
        Sample(1.0, "sendfile", 10, {"user_s": 0.0, "system_s": 1.0}),
        Sample(3.0, "sendfile", 10, {"user_s": 0.5, "system_s": 1.5}),
        Sample(4.0, "sendfile", 11, {"user_s": 0.0, "system_s": 0.0}),  # a fresh process: no rate from the old one
        Sample(5.0, "sendfile", 11, {"user_s": None, "system_s": 0.4}),
        Sample(6.0, "sendfile", 11, {"user_s": 0.2, "system_s": 0.6}),
    )
    (rate,) = rates(samples, (("user_s", "system_s"),))
    assert (rate.pid, rate.start_s, rate.end_s, rate.per_s) == (10, 1.0, 3.0, 0.5)


def test_a_counter_that_goes_backwards_gives_no_rate() -> None:
    samples = tuple(Sample(float(t), "load", 1, {"user_s": value}) for t, value in enumerate([5.0, 1.0, 2.0]))
    assert [rate.start_s for rate in rates(samples, (("user_s",),))] == [1.0]


def test_thinning_keeps_the_mean_over_the_time() -> None:
    samples = tuple(Sample(t / 10, "load", 1, {"user_s": (t**1.5) / 100}) for t in range(1000))
    for every in (1, 7, 50):
        thinned = list(rates(samples, (("user_s",),), every=every))
        total = sum(rate.per_s * (rate.end_s - rate.start_s) for rate in thinned)
        assert total == pytest.approx((999**1.5) / 100)
        assert thinned[0].start_s == 0 and thinned[-1].end_s == pytest.approx(99.9)


def test_the_cpu_clock_is_preferred_and_ticks_serve_where_it_is_missing() -> None:
    samples = (
        Sample(0.0, "sendfile", 1, {"cpu_s": 0.0, "user_s": 0.0, "system_s": 0.0}),
        Sample(1.0, "sendfile", 1, {"cpu_s": 0.123, "user_s": 0.1, "system_s": 0.0}),
        Sample(0.0, "machine", 0, {"user_s": 1.0, "system_s": 1.0}),
        Sample(1.0, "machine", 0, {"user_s": 1.5, "system_s": 1.25}),
    )
    assert [(rate.process, rate.per_s) for rate in rates(samples, CPU)] == [("machine", 0.75), ("sendfile", 0.123)]


def test_samples_that_lie_too_close_are_merged_with_their_neighbours() -> None:
    """A clock of 10 ms shows nothing, or far too much, between two samples a millisecond apart."""
    times = [0.0, 0.5, 0.501, 1.0, 1.4, 1.41]
    samples = tuple(Sample(t, "machine", 0, {"user_s": round(t, 1), "system_s": 0.0}) for t in times)
    found = list(rates(samples, CPU, shortest_s=0.25))
    assert [(rate.start_s, rate.end_s) for rate in found] == [(0.0, 0.5), (0.5, 1.0), (1.0, 1.41)]
    assert [rate.per_s for rate in found] == pytest.approx([1, 1, 0.4 / 0.41])


def test_one_sample_has_no_rate() -> None:
    assert list(rates((Sample(0.0, "load", 1, {"cpu_s": 0.0}),), CPU)) == []
