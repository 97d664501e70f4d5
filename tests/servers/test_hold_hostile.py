"""Hostile heads and rude peers leave nothing behind: no traceback, no descriptor, no thread, no memory.

100,000 heads of one seed go through the parser in this process, whole, and the first 20,000 of them in packets too; the
first 2,000 go over connections of their own to a server process. Each rude peer meets each mode.
"""

import random
import threading
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from tests.servers import footprint, hostile, peers
from tests.servers.probe import skip_if_missing
from tests.servers.process import ServerProcess

Servers = Callable[..., ServerProcess]

SEED = 3
HEADS, HEADS_IN_PACKETS, HEADS_OVER_CONNECTIONS = 100_000, 20_000, 2_000
SLACK_BYTES = 24 << 20  # arenas of malloc and of the threads; a leak of one buffer per connection would be far more


def test_100000_hostile_heads_are_judged() -> None:
    rng = random.Random(SEED)
    for number, data in enumerate(islice(hostile.heads(SEED), HEADS)):
        assert (wrong := hostile.disagreement(data, rng, in_packets=number < HEADS_IN_PACKETS)) is None, (wrong, data)


def test_hostile_heads_over_connections_leave_nothing_behind(servers: Servers, root: Path) -> None:
    process = servers("sendfile", "--port", "0", "--root", root)
    port = process.ready_port()
    heads = list(islice(hostile.heads(SEED), HEADS_OVER_CONNECTIONS))
    at_rest = footprint.of(process.pid)

    def send(number: int) -> None:
        for data in heads[number::4]:
            peers.sends(port, data)

    in_threads(send)
    peers.sends(port, b"")
    footprint.back_to(process.pid, at_rest, SLACK_BYTES)
    assert process.errors().count("\n") == 1


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
