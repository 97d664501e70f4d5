"""When an interval was narrow enough for the first time."""

import random

from reports.analysis.paired_ratio import paired_ratio
from tests.bench.precision import rounds_to


def test_the_first_round_that_is_precise_enough_is_found() -> None:
    chance = random.Random(3)
    pairs = [(0.5 * chance.lognormvariate(0, 0.08), 1.0) for _ in range(30)]
    found = rounds_to(pairs, 0.95, 0.05)
    assert found is not None and 6 <= found <= 30
    assert (paired_ratio(pairs[:found]).half_width or 1) <= 0.05
    assert all((paired_ratio(pairs[:fewer]).half_width or 1) > 0.05 for fewer in range(1, found))


def test_where_it_never_is_there_is_none() -> None:
    assert rounds_to([(1.0, 1.0)] * 5, 0.95, 0.05) is None, "too few rounds for an interval"
    assert rounds_to([(1.0, 1.0)] * 8, 1 - 0.05 / 13, 0.05) is None, "too few for thirteen comparisons"
    assert rounds_to([(1.0, 1.0)] * 10, 1 - 0.05 / 13, 0.05) == 10
    assert rounds_to([(1.0, 2.0), (2.0, 1.0)] * 5, 0.95, 0.05) is None
