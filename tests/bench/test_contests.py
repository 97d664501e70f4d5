"""A contest is judged by its figure once its interval is narrow, and missed for certain where all of it lies above."""

import pytest

from profiles.targets import config_file
from reports.analysis.paired_ratio import paired_ratio
from tests.bench import opponents
from tests.bench.contests import Outcome, Verdict, add_pairs, judged, new_contest_table
from tests.bench.field import Field


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ([1.00, 1.01, 1.02], "within"),
        ([1.02, 1.03, 1.04], "within"),
        ([1.00, 1.04, 1.08], "unclear"),
        ([0.80, 1.00, 1.20], "unclear"),
        ([1.07, 1.08, 1.09], "above"),
        ([1.00], "too few rounds"),
    ],
)
def test_a_verdict_on_a_bound(ratios: list[float], verdict: Verdict) -> None:
    pairs = [(ratio, 1.0) for ratio in ratios] * (1 if len(ratios) == 1 else 4)
    assert judged(paired_ratio(pairs), 1.03) == verdict
    assert judged(paired_ratio(pairs), None) == "not judged"
    outcome = Outcome([new_contest_table("a contest")])
    add_pairs(outcome, "ours", pairs, 1.03, 0.95)
    add_pairs(outcome, "shown", pairs, None, 0.95)
    assert outcome.verdicts == {"ours": verdict} and outcome.tables[0].row_count == 2


def test_the_opponents_are_targets(field: Field) -> None:
    targets = {facts.name: external for facts, external in config_file.read(opponents.write(field), frozenset())}
    names = {opponents.BARE, *opponents.BURNED, *map(opponents.floor_of, opponents.FLOOR_PATHS)}
    assert names <= set(targets)
    assert set(targets) - names == (set(opponents.NGINX) if opponents.find_nginx() else set())
    assert len({target.port for target in targets.values()}) == len(targets)
