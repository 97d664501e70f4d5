"""The connections of a server that are open: how many there are, which of them are answered now, and their end.

Its rule: a connection belongs to its thread, and is only known here. One whose thread died of a lack of memory before
its first line is nobody's any more: it closes, and is gone from here.
"""

import socket
import threading
import weakref
from dataclasses import dataclass

from servers import sockets

_SHUT_DOWN_S = 1.0


@dataclass(slots=True, weakref_slot=True, eq=False)
class Connection:
    """An accepted socket. busy: an answer is on its way, as its thread says."""

    sock: socket.socket
    busy: bool = False


class Connections:
    """All that are open. limit: how many there may be at once. From any thread."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._open: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._changed = threading.Condition()

    def add(self, sock: socket.socket) -> Connection | None:
        """None when there is no room for one more."""
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
        """End idle ones now, the others when their answer is out or the grace is over."""
        with self._changed:
            sockets.shut_down(connection.sock for connection in self._open if not connection.busy)
            self._changed.wait_for(lambda: not self._open, grace_s)
            sockets.shut_down(connection.sock for connection in self._open)
            self._changed.wait_for(lambda: not self._open, _SHUT_DOWN_S)
