"""The open connections of a server: how many there are, which are being answered, and how they end.

Connections are held weakly: one whose thread died for lack of memory before its first line closes and disappears.
"""

import contextlib
import socket
import threading
import weakref
from collections.abc import Iterable
from dataclasses import dataclass

_SHUT_DOWN_S = 1.0


@dataclass(slots=True, weakref_slot=True, eq=False)
class Connection:
    """An accepted socket. busy: its thread is sending an answer."""

    sock: socket.socket
    busy: bool = False


class Connections:
    """All open connections, at most limit; safe from any thread."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._open: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._changed = threading.Condition()

    def add(self, sock: socket.socket) -> Connection | None:
        """None when the limit is reached."""
        with self._changed:
            if len(self._open) >= self.limit:
                return None
            connection = Connection(sock)
            self._open.add(connection)
        return connection

    def remove(self, connection: Connection) -> None:
        with self._changed:
            self._open.discard(connection)
            self._changed.notify_all()

    def finish(self, grace_s: float) -> None:
        """End idle connections now, the others after their answer or after grace_s."""
        with self._changed:
            self._shut_down(connection for connection in self._open if not connection.busy)
            self._changed.wait_for(lambda: not self._open, grace_s)
            self._shut_down(self._open)
            self._changed.wait_for(lambda: not self._open, _SHUT_DOWN_S)

    def _shut_down(self, connections: Iterable[Connection]) -> None:
        """Wake their threads, which close the sockets."""
        for connection in list(connections):
            with contextlib.suppress(OSError):  # the peer has gone, or its thread has just closed it
                connection.sock.shutdown(socket.SHUT_RDWR)
