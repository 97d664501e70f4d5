"""Who downloads: our users against a C client, and what it costs to spread users over workers, in CPU per GiB.

Its rule: the same server, the same connections, the same CPUs; only the client differs. What distribution costs is paid
by the second, by heartbeats and statistics, so that it weighs most where little is downloaded.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from errors import UserError
from profiles.targets.catalog import PROJECT
from tests.bench.contests import MOST_ROUNDS, MOST_S, PRECISION, Outcome, add_pairs, new_contest_table
from tests.bench.field import Field
from tests.bench.paired_slices import SLICE_S, Side, Slice, measure, pairs
from tests.bench.processes import Server, bound

CLIENT_BOUND, WORKERS_BOUND = 1.50, 1.03
OURS, FLOOR, ONE, TWO = "our users", "C client", "one worker", "two workers"


def outcome(field: Field) -> Outcome:
    result = Outcome([new_contest_table("Clients that discard, CPU seconds per byte; of workers, with the server's")])
    with field.floor_server("sendfile") as server:
        users = partial(_users, field, server)
        _add(result, {OURS: users, FLOOR: partial(_c_client, field, server)}, CLIENT_BOUND)
        _add(result, {TWO: partial(users, workers=2), ONE: partial(users, workers=1)}, WORKERS_BOUND)
    return result


def _add(result: Outcome, sides: dict[str, Side], limit: float) -> None:
    ours, other = sides
    rounds = measure(sides, PRECISION, MOST_S, MOST_ROUNDS)
    add_pairs(result, f"{ours} and {other}", pairs(rounds, ours, other), limit, 0.95)


@contextlib.contextmanager
def _c_client(field: Field, server: Server) -> Iterator[Slice]:
    def take() -> tuple[float, float]:
        told = field.told(field.load_command(server.port, field.large_bytes, SLICE_S))
        return told["user_s"] + told["system_s"], told["received_bytes"]

    yield take


@contextlib.contextmanager
def _users(field: Field, server: Server, workers: int = 0) -> Iterator[Slice]:
    """Locust users that wait in a process of their own; of workers, the server's CPU counts as well."""
    command = [sys.executable, "-m", "tests.bench.crowd_client", str(server.port), str(field.connections), str(workers)]
    with bound(field.placement.load_cpus):
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True)
    assert process.stdin is not None and process.stdout is not None
    wanted, answers = process.stdin, process.stdout

    def take() -> tuple[float, float]:
        before_s = server.cpu_s()
        wanted.write("slice\n")
        wanted.flush()
        line = answers.readline()
        if not line:
            raise UserError("the users' process ended; what it said stands above")
        told = json.loads(line)
        return told["cpu_s"] + (server.cpu_s() - before_s if workers else 0.0), told["received_bytes"]

    with process:  # the end of its input ends it
        yield take
