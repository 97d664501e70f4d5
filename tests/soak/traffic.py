"""A round of traffic: many peers at once, each drawn at random, and a file that changes under them.

Its rule: a worker draws from random numbers of its own, made of the seed, the round and its number; the first peer that
does not get what it must ends the round. How the peers' actions interleave is the machine's affair, and not repeated.
"""

import contextlib
import hashlib
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers import peers
from tests.servers.peers import Peer
from tests.servers.raw import Connection, get, head
from tests.soak.watched import Watched

WORKERS = 8
SLOW_READERS = 4
BURST = 40
LARGE_BYTES = 8 << 20


class SoakError(Exception):
    """What did not hold, and for whom."""


@dataclass(slots=True)
class Tally:
    """What was done, by (mode, kind of peer); counted under a lock, since several workers do it."""

    done: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, mode_name: str, kind: str) -> None:
        with self._lock:
            self.done[mode_name, kind] += 1

    def of(self, mode_name: str, kind: str) -> int:
        return self.done[mode_name, kind]


class Folder:
    """What is served: file.bin and its like for the peers, and a file of which there is one version after the other."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self.content = random.Random(seed).randbytes(1_000_003)
        self.digests: set[str] = set()
        for name, content in (("file.bin", self.content), ("one", b"1"), ("empty", b""), ("large", bytes(LARGE_BYTES))):
            (path / name).write_bytes(content)

    def change(self, rng: random.Random) -> None:
        """A new version by rename(), one that grows, or none at all."""
        versions = self.path / "versions"
        what = rng.choice(("replace", "replace", "grow", "delete"))
        if what == "delete":
            versions.unlink(missing_ok=True)
            return
        old = versions.read_bytes() if what == "grow" and versions.exists() else b""
        more = rng.randbytes(rng.randrange(1, 400_000))
        self.digests.add(hashlib.sha256(old + more).hexdigest())  # known before anybody can see it
        if old:
            with versions.open("ab", buffering=0) as file:
                file.write(more)
        else:
            beside = self.path / "beside"
            beside.write_bytes(more)
            beside.rename(versions)


class Round:
    """Peers of every kind for some seconds."""

    def __init__(self, folder: Folder, servers: Sequence[Watched], seconds: float, seed: str, tally: Tally) -> None:
        self._folder = folder
        self._servers = servers
        self._seed = seed
        self._tally = tally
        self._until_s = time.monotonic() + seconds
        self._failed = threading.Event()

    def run(self) -> None:
        """Raises SoakError."""
        with ThreadPoolExecutor(WORKERS + SLOW_READERS + 1) as pool:
            futures = [pool.submit(self._meet_many, number) for number in range(WORKERS)]
            futures += [pool.submit(self._read_slowly, number) for number in range(SLOW_READERS)]
            futures.append(pool.submit(self._change_files))
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            self._failed.set()
        for future in done:
            future.result()

    def _goes_on(self, pause_s: float = 0.0) -> bool:
        return not self._failed.wait(pause_s) and time.monotonic() < self._until_s

    def _meet_many(self, number: int) -> None:
        rng = random.Random(f"{self._seed}/{number}")
        kinds = (*peers.GOOD, *peers.RUDE, self._one_version, burst)
        while self._goes_on():
            self._meet(rng.choice(self._servers), rng.choice(kinds), rng)

    def _meet(self, server: Watched, peer: Peer, rng: random.Random) -> None:
        kind = peer.__name__.strip("_")
        try:
            peer(server.port, self._folder.content, rng)
        except (AssertionError, OSError) as error:
            why = f"{server.mode_name}, {kind}: {type(error).__name__}: {str(error)[:500]}"
            raise SoakError(why) from error
        self._tally.count(server.mode_name, kind)

    def _one_version(self, port: int, _content: bytes, _rng: random.Random) -> None:
        response = get(port, "/versions")
        if response.status != 404:
            assert response.status == 200
            assert len(response.body) == response.promised_bytes
            assert hashlib.sha256(response.body).hexdigest() in self._folder.digests

    def _read_slowly(self, number: int) -> None:
        """A byte per second, until the round or the send time-out ends it."""
        server = random.Random(f"{self._seed}/slow/{number}").choice(self._servers)
        with Connection(server.port, receive_buffer_bytes=16 << 10) as connection:
            connection.sock.sendall(head("/large"))
            connection.response_head()
            while self._goes_on(pause_s=1.0) and connection.body(1):
                pass
        self._tally.count(server.mode_name, "read_slowly")

    def _change_files(self) -> None:
        rng = random.Random(f"{self._seed}/changes")
        while self._goes_on(pause_s=0.01):
            self._folder.change(rng)


def burst(port: int, content: bytes, rng: random.Random) -> None:
    """Many connections of one peer, all asking before any is read from."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(Connection(port)) for _ in range(BURST)]
        for connection in connections:
            connection.sock.sendall(head("/one"))
        assert all(connection.response().body == b"1" for connection in connections)
