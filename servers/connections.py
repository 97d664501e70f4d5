"""The open connections of a server: how many there are, which are being answered, and how they end.

Its rule: no lock. Where memory runs out between taking a lock and giving it back, every other thread would wait for
ever, the one that ends the server too. One thread adds and finishes; any thread removes, by one call into C, which the
GIL makes atomic. Connections are held weakly: one whose thread died before its first line closes and disappears.
"""

import contextlib
import socket
import time
import weakref
from dataclasses import dataclass

_SHUT_DOWN_S = 1.0
_LOOK_EVERY_S = 0.01


@dataclass(slots=True, weakref_slot=True, eq=False)
class Connection:
    """An accepted socket. busy: its thread is sending an answer."""

    sock: socket.socket
    busy: bool = False


class Connections:
    """All open connections, at most limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._open: set[weakref.ref[Connection]] = set()

    def add(self, sock: socket.socket) -> Connection | None:
        """None when the limit is reached."""
        if len(self._open) >= self.limit:
            return None
        connection = Connection(sock)
        self._open.add(weakref.ref(connection, self._open.discard))
        return connection

    def remove(self, connection: Connection) -> None:
        """From any thread."""
        self._open.discard(weakref.ref(connection))

    def finish(self, grace_s: float) -> None:
        """End idle connections now, the others after their answer or after grace_s."""
        self._shut_down(busy_too=False)
        self._wait(grace_s)
        self._shut_down(busy_too=True)
        self._wait(_SHUT_DOWN_S)

    def _wait(self, most_s: float) -> None:
        until_s = time.monotonic() + most_s
        while self._open and time.monotonic() < until_s:
            time.sleep(_LOOK_EVERY_S)

    def _shut_down(self, busy_too: bool) -> None:
        """Wake their threads, which close the sockets."""
        for reference in tuple(self._open):
            connection = reference()
            if connection is not None and (busy_too or not connection.busy):
                with contextlib.suppress(OSError):  # the peer has gone, or its thread has just closed it
                    connection.sock.shutdown(socket.SHUT_RDWR)
