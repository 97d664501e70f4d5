"""Our servers against the C floor with the same data path (floor.c), in server CPU seconds per GiB.

Its rule: what ours costs beyond the floor is Python.
"""

from tests.bench.contests import Contest, Outcome, add_contest, campaign, new_contest_table
from tests.bench.field import Field
from tests.bench.opponents import FLOOR_PATHS, floor_of

BOUND = 1.10


def outcome(field: Field) -> Outcome:
    result = Outcome([new_contest_table("Against the C floor, server CPU seconds per GiB")])
    for path in FLOOR_PATHS:
        contest = Contest(path, floor_of(path), BOUND)
        records = campaign(field, field.large_bytes, (contest.other, contest.ours), judged=True)
        add_contest(result, f"{path} and its floor", contest, records)
    return result
