"""Answers requests by HTTP/1.1: one after the other over a connection, until either end closes it."""

import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from servers import sockets
from servers.connections import Connection
from servers.files import Files
from servers.http import responses
from servers.http.request_head import Request
from servers.http.request_reader import RequestReader
from servers.http.responses import HttpError, unavailable
from servers.mode import SendFile


@dataclass(frozen=True, slots=True)
class HttpAnswers:
    """root, send_file, require: as Server has them. head_timeout_s, idle_timeout_s: as RequestReader has them."""

    root: bytes
    send_file: SendFile
    require: Callable[[socket.socket], None] | None
    head_timeout_s: float
    idle_timeout_s: float

    def refusal(self, why: str) -> bytes:
        """What a connection gets that there is no room for."""
        return responses.error_response(unavailable(why), keep_alive=False, head_only=False)

    def answer_all(self, connection: Connection, stopping: Callable[[], bool]) -> None:
        """stopping: whether to close after the answer that is under way. Raises what send_file and the file raise."""
        sock, keep_alive = connection.sock, True
        reader = RequestReader(sock, self.head_timeout_s, self.idle_timeout_s)
        with contextlib.closing(Files(self.root)) as opened:
            while keep_alive and not stopping():
                request = None
                try:
                    request = reader.next()
                    if request is None:
                        return
                    connection.busy = True
                    keep_alive = self._answer(sock, request, opened)
                except HttpError as error:
                    keep_alive = not error.closes and (request is None or request.keep_alive)
                    sock.sendall(responses.error_response(error, keep_alive, reader.head_only))
                connection.busy = False
        if not keep_alive:
            sockets.finish_sending(sock)

    def _answer(self, sock: socket.socket, request: Request, opened: Files) -> bool:
        file = opened.open_file(request.path)
        part = responses.resolve_range(request.byte_range, file.size_bytes)
        offset, count = part or (0, file.size_bytes)
        if self.require is not None:
            _check_machine(sock, self.require)
        head = responses.file_head(file.size_bytes, part, request.keep_alive, request.precondition)
        if request.method == "HEAD" or count == 0 or request.precondition is not None:
            sock.sendall(head)
            return request.keep_alive
        sockets.cork(sock, True)
        sock.sendall(head)
        self.send_file(sock, file.fd, offset, count)
        file.check_unchanged()
        sockets.cork(sock, False)  # after an error close() does it
        return request.keep_alive


def _check_machine(sock: socket.socket, require: Callable[[socket.socket], None]) -> None:
    try:
        require(sock)
    except OSError as error:
        if error.errno in sockets.SHORTAGE:  # io_uring's memory counts as locked, which is limited (`ulimit -l`)
            raise unavailable(f"this data path is short of resources: {error.strerror}") from error
        why = f"this machine lacks what this data path needs: {error.strerror}"
        raise HttpError(HTTPStatus.NOT_IMPLEMENTED, why, closes=True) from error
