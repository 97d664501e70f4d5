"""What it costs to spread the users over workers: CPU per GiB of server and load together, all of its processes.

Its rule: the same users, the same server, the same CPUs; only the number of processes differs. What distribution costs
is paid by the second, by heartbeats and statistics, so that it weighs most where little is downloaded.
"""

from tests.bench.contests import Contest, Outcome, Readings, judge, sides_of
from tests.bench.sides import Field, Payer, Reading, Side

BOUND = 1.03


def contests(field: Field) -> list[Contest]:
    def side(payer: Payer) -> Side:
        return Side("C", "sendfile", field.large_bytes, field.can_pin, payer)

    two, one, none = (side(payer) for payer in ("all, two workers", "all, one worker", "all, one process"))
    return [
        Contest("two workers against one", two, one, BOUND, Reading.cpu_s_per_gib),
        Contest("two workers against one process", two, none, None, Reading.cpu_s_per_gib),
    ]


def sides(field: Field) -> list[Side]:
    return sides_of(contests(field))


def outcome(field: Field, readings: Readings) -> Outcome:
    return judge("Workers, CPU seconds per GiB of server and load", contests(field), readings)
