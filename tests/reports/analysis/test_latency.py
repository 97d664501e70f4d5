"""Histograms are merged before anything is read from them, and few downloads give no percentile."""

import dataclasses
import random

import pytest

from errors import UserError
from reports.analysis.latency import latencies
from reports.analysis.rounds import Dataset, build
from tests.reports import synthetic


def of(histograms: list[str]) -> Dataset:
    run = synthetic.run(("sendfile",), len(histograms))
    cells = synthetic.cells(run)
    return build(
        run, tuple(dataclasses.replace(c, latency_histogram=h) for c, h in zip(cells, histograms, strict=True))
    )


def test_percentiles_come_from_all_rounds_together() -> None:
    rng = random.Random(1)
    slow = synthetic.histogram(600, 50_000, rng)
    fast = synthetic.histogram(600, 5_000, rng)
    found = latencies(of([slow, fast]), "sendfile")
    assert found is not None and found.count == 1200
    assert found.percentiles_us[50.0] < 20_000 < found.percentiles_us[90.0]
    assert found.lowest_us <= found.percentiles_us[50.0] <= found.percentiles_us[99.0] <= found.highest_us
    assert 20_000 < found.mean_us < 35_000
    assert found.mean_us == pytest.approx(found.histogram.get_mean_value())


def test_fewer_than_a_thousand_downloads_have_no_percentile() -> None:
    found = latencies(of([synthetic.histogram(999, 5_000, random.Random(2))]), "sendfile")
    assert found is not None
    assert found.count == 999 and found.percentiles_us == {}


def test_a_round_without_a_histogram_adds_nothing() -> None:
    assert latencies(of(["", ""]), "sendfile") is None


@pytest.mark.parametrize("broken", ["garbage", "HISTFAAAACZ4nJNp"])
def test_a_broken_histogram_is_named_with_its_round(broken: str) -> None:
    with pytest.raises(UserError, match="latency histogram of sendfile in round 1 cannot be decoded"):
        latencies(of(["", broken]), "sendfile")
