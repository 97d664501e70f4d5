"""Hostile heads and rude peers leave nothing behind: no traceback, no descriptor, no thread, no memory.

100,000 heads of five seeds go through the parser in this process, whole, and the first fifth of each seed in packets
too; 2,000 go over connections of their own to a server process. Each rude peer meets each mode.
"""

import random
import threading
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from tests.servers import footprint, hostile, peers
from tests.servers.probe import now_or_slow, skip_if_missing
from tests.servers.process import ServerProcess

Servers = Callable[..., ServerProcess]

SEED = 3
SLACK_BYTES = 24 << 20  # arenas of malloc and of the threads; a leak of one buffer per connection would be far more


@pytest.mark.parametrize(
    ("seed", "count"), [(SEED, 2_000), *(pytest.param(seed, 20_000, marks=pytest.mark.slow) for seed in range(5))]
)
def test_hostile_heads_get_a_request_or_an_error(seed: int, count: int) -> None:
    rng = random.Random(seed)
    for number, data in enumerate(islice(hostile.heads(seed), count)):
        assert (wrong := hostile.disagreement(data, rng, in_packets=number < count // 5)) is None, (wrong, data)


@pytest.mark.parametrize("count", [200, pytest.param(2_000, marks=pytest.mark.slow)])
def test_hostile_heads_over_connections_leave_nothing_behind(servers: Servers, root: Path, count: int) -> None:
    process = servers("sendfile", "--port", "0", "--root", root)
    port = process.ready_port()
    heads = list(islice(hostile.heads(SEED), count))
    at_rest = footprint.of(process.pid)

    def send(number: int) -> None:
        for data in heads[number::4]:
            peers.sends(port, data)

    in_threads(send)
    peers.sends(port, b"")
    footprint.back_to(process.pid, at_rest, SLACK_BYTES)
    assert process.errors().count("\n") == 1


@now_or_slow("sendfile", "zerocopy-send")
def test_rude_peers_hurt_nobody_and_leave_nothing_behind(
    servers: Servers, root: Path, content: bytes, mode_name: str
) -> None:
    skip_if_missing(mode_name)
    process = servers(mode_name, "--port", "0", "--root", root)
    port = process.ready_port()

    def meet(number: int) -> None:
        rng = random.Random(number)
        for peer in rng.sample(peers.RUDE * 3 + peers.GOOD, 3 * len(peers.RUDE) + len(peers.GOOD)):
            peer(port, content, rng)

    at_rest = footprint.of(process.pid)
    in_threads(meet)  # whatever is made once per process is made now
    warm = footprint.back_to(process.pid, at_rest, slack_bytes=64 << 20)
    in_threads(meet)
    footprint.back_to(process.pid, warm, SLACK_BYTES)
    peers.whole(port, content, random.Random(SEED))
    assert process.errors().count("\n") == 1


def in_threads(work: Callable[[int], None], count: int = 4) -> None:
    """Whatever fails there fails the test: no_thread_fails."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
