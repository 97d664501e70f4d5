"""Our servers, and our users, against the C floor with the same data path (floor.c).

Its rule: what ours costs beyond the floor is Python. Pinned contests are judged; left to the scheduler, whose placement
then decides a good part of the ratio, they are shown.
"""

from tests.bench.contests import Contest, Outcome, Readings, judge, sides_of
from tests.bench.sides import Field, Payer, Reading, Side

PATHS = ("sendfile", "splice", "read-send", "mmap-send")
SERVER_BOUND, CLIENT_BOUND = 1.10, 1.50


def contests(field: Field) -> list[Contest]:
    found, size_bytes = [], field.large_bytes
    for pinned in (True, False) if field.can_pin else (False,):
        where = "pinned" if pinned else "free"
        judged = pinned or not field.can_pin
        for path in PATHS:
            pair = Side("ours", path, size_bytes, pinned), Side("C", path, size_bytes, pinned)
            bound = SERVER_BOUND if judged else None
            found.append(Contest(f"server {path}, {where}", *pair, bound, Reading.cpu_s_per_gib))
        payers: tuple[Payer, Payer] = ("Locust user", "C client")
        users, client = (Side("C", "sendfile", size_bytes, pinned, payer) for payer in payers)
        bound = CLIENT_BOUND if judged else None
        found.append(Contest(f"client, discarding, {where}", users, client, bound, Reading.cpu_s_per_gib))
    return found


def sides(field: Field) -> list[Side]:
    return sides_of(contests(field))


def outcome(field: Field, readings: Readings) -> Outcome:
    title = "Against the C floor, CPU seconds per GiB: medians over the rounds, and the ratio within rounds"
    return judge(title, contests(field), readings)
