"""Answers without a request, as the course's server does: whoever connects gets the file, and the connection closes.

Its rule: the peer is sent the whole file or is reset; nothing else ever goes over the connection.
"""

import contextlib
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

from errors import UserError
from servers import sockets
from servers.connections import Connection
from servers.files import Files
from servers.http.responses import HttpError
from servers.log import log
from servers.mode import SendFile

PATH = b"/test-file.bin"  # below the root


def require_file(root: bytes) -> None:
    """Raises UserError where there is nothing to send."""
    try:
        with contextlib.closing(Files(root)) as opened:
            opened.open_file(PATH)
    except HttpError as error:
        where = os.fsdecode(root + PATH)
        raise UserError(f"PROTOCOL=raw sends {where}, but {error}: give a SIZE, or put the file there") from error


@dataclass(frozen=True, slots=True)
class RawAnswers:
    """root, send_file, require: as Server has them."""

    root: bytes
    send_file: SendFile
    require: Callable[[socket.socket], None] | None

    def refusal(self, why: str) -> bytes:
        """Nothing: it could be taken for the file's first bytes."""
        log(f"closed a connection: {why}")
        return b""

    def answer_all(self, connection: Connection, _: Callable[[], bool]) -> None:
        """Raises what send_file and the file raise."""
        connection.busy = True
        try:
            with contextlib.closing(Files(self.root)) as opened:
                self._send(connection.sock, opened)
        except HttpError as error:
            log(f"closed a connection: {error}")
            sockets.reset_when_closed(connection.sock)
            return
        sockets.finish_sending(connection.sock)

    def _send(self, sock: socket.socket, opened: Files) -> None:
        file = opened.open_file(PATH)
        if self.require is not None:
            self.require(sock)
        sockets.cork(sock, True)
        if file.size_bytes:
            self.send_file(sock, file.fd, 0, file.size_bytes)
        file.check_unchanged()
        sockets.cork(sock, False)  # after an error close() does it
