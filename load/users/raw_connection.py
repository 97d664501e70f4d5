"""One download from a raw server: connect, send nothing, and drain to a sink until the server closes.

Its rule: every connection ends with a reset (SO_LINGER, socket(7)), after its last byte. The server closes first, and
would be left in TIME-WAIT: one that does not set SO_REUSEADDR, like the course's, could not have its port again for a
minute.
"""

import socket
import struct
from collections.abc import Mapping

from load.users.connection import DownloadConnection
from load.users.failures import ShortBodyError, WrongLengthError
from profiles.store.run_facts import WireProtocol

_RESET_AT_ONCE = struct.pack("ii", 1, 0)


class RawConnection(DownloadConnection):
    """A DownloadConnection that makes a new connection for each download. There is one file, whatever the path; where
    its length is not known, it is what comes until the server closes."""

    def _exchange(self, _: str) -> tuple[int, bool]:
        sock = self._connected()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
        if self._expected_bytes is None:
            return self._receive_all(sock), False
        self._drain(sock, self._expected_bytes)
        if sock.recv(1):
            raise WrongLengthError(f"more came than the {self._expected_bytes} bytes of the file")
        return self._expected_bytes, False

    def _receive_all(self, sock: socket.socket) -> int:
        received_bytes = 0
        while got := sock.recv_into(self._buffer, len(self._buffer), self._flags):
            self._on_bytes(got)
            received_bytes += got
        if not received_bytes:
            raise ShortBodyError("no byte came")
        return received_bytes


CONNECTIONS: Mapping[WireProtocol, type[DownloadConnection]] = {"http": DownloadConnection, "raw": RawConnection}
