"""The connections whose request is still being read: how much of it, for how long, and which makes room for another.

Its rule: nobody is kept out by peers that send nothing. A further connection is always taken; where there are too many,
the oldest one goes, of a peer that has not sent the token lately, and of the peer that has most. A good request is read
within milliseconds, however long the others wait.
"""

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from profiles.protocol import MAX_REQUEST_BYTES

READ_TIMEOUT_S = 5.0  # for a whole request, the TLS handshake included
MOST = 64
MAX_BYTES = (16 << 10) + MAX_REQUEST_BYTES  # head and content
KNOWN_S = 60.0  # for so long after a request with the token its peer's connections go last
MOST_KNOWN = 256


class TooLongError(ConnectionError):
    """A peer sent more than a request may have."""


class CountedReader(socket.SocketIO):
    """What a peer sends, counted as it arrives. Raises TooLongError beyond MAX_BYTES."""

    _left = MAX_BYTES

    def readinto(self, buffer: Any) -> int | None:
        if not self._left:
            raise TooLongError
        count = super().readinto(memoryview(buffer)[: self._left])
        self._left -= count or 0
        return count


@dataclass(frozen=True, slots=True)
class _Unread:
    peer: str  # address
    until_s: float


class Unread:
    """Safe from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._waiting: dict[socket.socket, _Unread] = {}  # oldest first
        self._known: dict[str, float] = {}  # when each peer last sent the token, oldest first

    def add(self, sock: socket.socket, peer: str) -> None:
        """Take a connection; one of those before it is shut down where there are too many."""
        with self._guard:
            self._waiting[sock] = _Unread(peer, self._clock() + READ_TIMEOUT_S)
            if len(self._waiting) > MOST:
                self._shut_down(self._first_to_go())

    def _first_to_go(self) -> socket.socket:
        counts, now_s = Counter(unread.peer for unread in self._waiting.values()), self._clock()

        def weight(sock: socket.socket) -> tuple[bool, int]:
            peer = self._waiting[sock].peer
            return now_s - self._known.get(peer, -KNOWN_S) >= KNOWN_S, counts[peer]

        return max(list(self._waiting)[:-1], key=weight)  # the first of equals: the oldest

    def know(self, peer: str) -> None:
        """This peer has sent the token."""
        with self._guard:
            self._known.pop(peer, None)
            self._known[peer] = self._clock()
            if len(self._known) > MOST_KNOWN:
                del self._known[next(iter(self._known))]

    def discard(self, sock: socket.socket) -> None:
        """It has been read, or closed."""
        with self._guard:
            self._waiting.pop(sock, None)

    def shut_down_slow(self) -> None:
        """End those that have not been read in time."""
        now_s = self._clock()
        with self._guard:
            for sock in [sock for sock, unread in self._waiting.items() if unread.until_s < now_s]:
                self._shut_down(sock)

    def _shut_down(self, sock: socket.socket) -> None:
        del self._waiting[sock]
        with contextlib.suppress(OSError):  # it has just been closed
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # beneath TLS, on which its thread reads
