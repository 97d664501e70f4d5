"""A round of traffic: many peers at once, each drawn at random, and a file that changes under them.

Its rule: a worker draws from random numbers of its own, made of the seed, the round and its number; the first peer that
does not get what it must ends the round. How the peers' actions interleave is the machine's affair, and not repeated.
"""

import contextlib
import os
import random
import select
import threading
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers import peers
from tests.servers.peers import Peer
from tests.servers.raw import Connection, head
from tests.soak.watched import Watched

WORKERS = 8
SLOW_READERS = 4
SLOW_HEADS = 2
BURST = 40
LARGE_BYTES = 8 << 20
MARK_BYTES = 8


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


class Folder:
    """What is served: file.bin and its like for the peers, and a file of which there is one version after the other."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self.content = random.Random(seed).randbytes(1_000_003)
        self._may_grow = False
        for name, content in (("file.bin", self.content), ("one", b"1"), ("empty", b""), ("large", bytes(LARGE_BYTES))):
            (path / name).write_bytes(content)

    def change(self, rng: random.Random) -> None:
        """A new version by rename(), one that grows, one that is cut, or none. A version is one mark, again and again.

        It is cut to nothing: any other cut puts zeros behind it, up to the end of a folio, into bytes that are on their
        way by reference. And it does not grow then: a file that was cut and is longer looks like one that grew.
        """
        versions = self.path / "versions"
        what = rng.choice(("replace", "replace", "grow", "cut", "delete"))
        marks = rng.randrange(1, 50_000)
        if what == "delete":
            versions.unlink(missing_ok=True)
        elif what == "cut" and versions.exists():
            os.truncate(versions, 0)
        elif what == "grow" and versions.exists() and self._may_grow:
            with versions.open("r+b", buffering=0) as file:
                mark = file.read(MARK_BYTES)
                file.seek(0, os.SEEK_END)
                file.write(mark * marks)
        else:
            what = "replace"
            beside = self.path / "beside"
            beside.write_bytes(rng.randbytes(MARK_BYTES) * marks)
            beside.rename(versions)
        self._may_grow = what in ("replace", "grow")


class Round:
    """Peers of every kind for some seconds."""

    def __init__(self, folder: Folder, servers: Sequence[Watched], seconds: float, seed: str, tally: Tally) -> None:
        self._folder = folder
        self._servers = servers
        self._seed = seed
        self._tally = tally
        self._until_s = time.monotonic() + seconds
        self._over = threading.Event()

    def run(self) -> None:
        """Raises SoakError."""
        with ThreadPoolExecutor(WORKERS + SLOW_READERS + SLOW_HEADS + 1) as pool:
            futures = [pool.submit(self._meet_many, number) for number in range(WORKERS)]
            futures += [pool.submit(self._read_slowly, number) for number in range(SLOW_READERS)]
            futures += [pool.submit(self._write_slowly, number) for number in range(SLOW_HEADS)]
            futures.append(pool.submit(self._change_files))
            try:
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            finally:  # also when somebody presses Ctrl-C
                self._over.set()
        for future in done:
            future.result()

    def _goes_on(self, pause_s: float = 0.0) -> bool:
        return not self._over.wait(pause_s) and time.monotonic() < self._until_s

    def _meet_many(self, number: int) -> None:
        rng = random.Random(f"{self._seed}/{number}")
        kinds = (*peers.GOOD, *peers.RUDE, one_version, burst)
        while self._goes_on():
            self._meet(rng.choice(self._servers), rng.choice(kinds), rng)

    def _meet(self, server: Watched, peer: Peer, rng: random.Random) -> None:
        kind = peer.__name__
        try:
            peer(server.port, self._folder.content, rng)
        except (AssertionError, OSError) as error:
            where = traceback.extract_tb(error.__traceback__)[-1].line
            why = f"{server.mode_name}, {kind}: {type(error).__name__} at `{where}` {str(error)[:500]}"
            raise SoakError(why) from error
        self._tally.count(server.mode_name, kind)

    def _read_slowly(self, number: int) -> None:
        """A byte per second, until the round or the send time-out ends it."""
        server = random.Random(f"{self._seed}/slow/{number}").choice(self._servers)
        with Connection(server.port, receive_buffer_bytes=16 << 10) as connection:
            connection.sock.sendall(head("/large"))
            connection.response_head()
            while self._goes_on(pause_s=1.0) and connection.body(1):
                pass
        self._tally.count(server.mode_name, "read_slowly")

    def _write_slowly(self, number: int) -> None:
        """A byte of a head per second, until the round or the head time-out ends it."""
        server = random.Random(f"{self._seed}/slow head/{number}").choice(self._servers)
        with Connection(server.port) as connection:
            for byte in head("/one"):
                if not self._goes_on(pause_s=1.0):
                    break
                if select.select([connection.sock], [], [], 0)[0]:
                    assert connection.response().status == 408
                    break
                connection.sock.sendall(bytes([byte]))
        self._tally.count(server.mode_name, "write_slowly")

    def _change_files(self) -> None:
        rng = random.Random(f"{self._seed}/changes")
        while self._goes_on(pause_s=0.01):
            self._folder.change(rng)


def one_version(port: int, _content: bytes, _rng: random.Random) -> None:
    """A file that changes: the bytes of one version, as many as were promised, or the connection closed."""
    with Connection(port) as connection:
        response = connection.get("/versions")
        if response.status == 404:
            return
        assert response.status == 200
        mark, size_bytes = response.body[:MARK_BYTES], len(response.body)
        expected = (mark * (size_bytes // MARK_BYTES + 1))[:size_bytes]
        assert response.body == expected, _difference(response.body, expected)
        assert size_bytes == response.promised_bytes or connection.ended()


def _difference(body: bytes, expected: bytes) -> str:
    at = next(at for at, (one, other) in enumerate(zip(body, expected, strict=True)) if one != other)
    return f"{len(body)} bytes; from byte {at} on {body[at:][:64]!r} is not of version {expected[:MARK_BYTES]!r}"


def burst(port: int, content: bytes, rng: random.Random) -> None:
    """Many connections of one peer, all asking before any is read from."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(Connection(port)) for _ in range(BURST)]
        for connection in connections:
            connection.sock.sendall(head("/one"))
        assert all(connection.response().body == b"1" for connection in connections)
