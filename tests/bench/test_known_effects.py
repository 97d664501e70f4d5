"""A truth is found, missed, or not to be told from these rounds: noise alone never passes for a right method."""

import pytest

from reports.analysis.paired_ratio import paired_ratio
from tests.bench.known_effects import verdict


@pytest.mark.parametrize(
    ("ratios", "truth", "expected"),
    [
        ([1.09, 1.11], 1.10, "within"),
        ([0.99, 1.01], 1.00, "within"),
        ([0.99, 1.01], 1.10, "above"),
        ([1.09, 1.11], 1.00, "above"),
        ([0.80, 1.45], 1.10, "unclear"),
        ([0.80, 1.25], 1.00, "unclear"),
    ],
)
def test_a_verdict_on_a_known_effect(ratios: list[float], truth: float, expected: str) -> None:
    assert verdict(paired_ratio([(ratio, 1.0) for ratio in ratios * 6]), truth) == expected
    assert verdict(paired_ratio([(ratio, 1.0) for ratio in ratios]), truth) == "too few rounds"
