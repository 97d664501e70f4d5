"""What is tried, and how an answer of it is received: over a real TCP connection of this machine."""

import contextlib
import os
import random
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from profiles.targets.http_probe import unverified_tls
from servers import discovery
from servers.mode import Mode, SendFile

FILE_BYTES = 1_000_003  # a prime: no multiple of any buffer
LARGE_BYTES = 32 << 20  # more than the kernel keeps for a peer that does not read
HANDSHAKE_S = 10.0
_PIECE_BYTES = 1 << 18

Pair = tuple[socket.socket, socket.socket]


class BrokenContractError(Exception):
    """What a data path did that it must not do, in one line."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A data path, and a folder where its files may be written. name: of its file, with dashes for underscores."""

    name: str
    facts: Mode
    send_file: SendFile
    folder: Path

    def file(self, content: bytes) -> Path:
        path = self.folder / "contract.bin"
        path.write_bytes(content)
        return path

    def large_file(self) -> Path:
        """LARGE_BYTES zeros, which take no place."""
        path = self.folder / "large.bin"
        path.touch()
        os.truncate(path, LARGE_BYTES)
        return path

    @contextlib.contextmanager
    def connected(self) -> Iterator[Pair]:
        left, right = connected_pair(self.facts)
        with left, right:
            yield left, right

    def answers(self, pair: Pair, path: Path, *parts: tuple[int, int], **options: int) -> bytes:
        """All that arrives of these parts of a file (offset and count), and then the connection's end.

        Raises what send_file raises, and BrokenContractError where it closed what it had borrowed.
        """
        with opened(path) as fd:
            return received(pair, partial(self._send, fd, parts, options))

    def _send(self, fd: int, parts: Iterable[tuple[int, int]], options: Mapping[str, int], sock: socket.socket) -> None:
        for offset, count in parts:
            self.send_file(sock, fd, offset, count, **options)


@lru_cache(1)
def content() -> bytes:
    return random.Random(1).randbytes(FILE_BYTES)


def connected_pair(facts: Mode) -> Pair:
    """Two ends of a TCP connection, the first as the mode's server has it; for TLS after the handshake."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        left = socket.create_connection(listener.getsockname())
        right = listener.accept()[0]
    left = discovery.wrapper(facts)(left)
    if isinstance(left, ssl.SSLSocket):
        with ThreadPoolExecutor(1) as other:  # each end of a handshake waits for the other
            shaken = other.submit(left.do_handshake)
            right = unverified_tls().wrap_socket(right)
            shaken.result(HANDSHAKE_S)
    return left, right


@contextlib.contextmanager
def opened(path: Path) -> Iterator[int]:
    """A descriptor that is lent. Raises BrokenContractError where it was closed meanwhile."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        try:
            os.close(fd)
        except OSError as error:
            raise BrokenContractError("it closed fd, the descriptor of the file, which is borrowed") from error


def received(pair: Pair, send: Callable[[socket.socket], None]) -> bytes:
    """What arrives at the second end while this is sent at the first, which is then shut down."""
    left, right = pair
    parts: list[bytes] = []

    def receive() -> None:
        with contextlib.suppress(ConnectionResetError, ssl.SSLError):
            while data := right.recv(_PIECE_BYTES):
                parts.append(data)

    thread = threading.Thread(target=receive, daemon=True)
    thread.start()
    try:
        send(left)
    finally:
        if left.fileno() < 0:
            raise BrokenContractError("it closed sock, which is borrowed: the connection is kept for the next request")
        with contextlib.suppress(OSError):  # already shut down, or reset
            left.shutdown(socket.SHUT_WR)
        thread.join()
    return b"".join(parts)
