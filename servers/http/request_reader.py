"""The requests of a connection, one after the other, within their deadlines.

Its rule: bytes are received here and judged in head.py; what is left over when a head is complete belongs to the next.
"""

import socket
import time
from dataclasses import dataclass
from http import HTTPStatus

from servers.http.request_head import MAX_HEAD_BYTES, HeadParser, Request
from servers.http.responses import HttpError


@dataclass(frozen=True, slots=True)
class _Judged:
    """A head, the parser that took it, and what it says."""

    head: bytes
    parser: HeadParser
    request: Request


class RequestReader:
    """The requests of one connection, one after the other. A head that is the last one over again is not judged anew.

    head_timeout_s bounds a head from its first byte to its last, idle_timeout_s the wait for the first. The socket
    is blocking; SO_RCVTIMEO must be set on it, since deadlines are looked at whenever a recv() ends.
    """

    def __init__(self, sock: socket.socket, head_timeout_s: float, idle_timeout_s: float) -> None:
        self._sock = sock
        self._head_timeout_s = head_timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._scheme: bytes = getattr(sock, "scheme", b"http")  # a socket that encrypts has its own
        self._buffer = bytearray()
        self._parser = HeadParser(self._scheme)
        self._last: _Judged | None = None

    @property
    def head_only(self) -> bool:
        """Whether what next() read last is a HEAD, also when it was refused: no answer to it may have a body."""
        return self._parser.method == b"HEAD"

    def next(self) -> Request | None:
        """The next request; None when the peer closed, or stayed silent for too long. Raises HttpError, OSError."""
        waiting_since = time.monotonic()
        head_since: float | None = None
        while True:
            if self._last is not None and self._buffer.startswith(self._last.head):
                return self._again(self._last)
            if self._buffer and head_since is None:
                head_since = time.monotonic()
                self._parser = HeadParser(self._scheme)
            if self._buffer and (length := self._parser.take(self._buffer)):
                return self._parse_head(length)
            if not self._receive(waiting_since, head_since):
                return None

    def _again(self, last: _Judged) -> Request:
        self._parser = last.parser
        del self._buffer[: len(last.head)]
        return last.request

    def _parse_head(self, length: int) -> Request:
        """The head of this length as a request. Raises HttpError."""
        head = bytes(self._buffer[:length])
        del self._buffer[:length]
        self._last = _Judged(head, self._parser, self._parser.request())
        return self._last.request

    def _receive(self, waiting_since: float, head_since: float | None) -> bool:
        """More bytes into the buffer; False when there is no further request to come."""
        while True:
            now = time.monotonic()
            if head_since is not None and now - head_since >= self._head_timeout_s:
                raise HttpError(HTTPStatus.REQUEST_TIMEOUT, "the request head came too slowly", closes=True)
            if head_since is None and now - waiting_since >= self._idle_timeout_s:
                return False
            try:
                data = self._sock.recv(MAX_HEAD_BYTES)
            except BlockingIOError:  # SO_RCVTIMEO has passed: look at the deadlines
                continue
            self._buffer += data
            return bool(data)
