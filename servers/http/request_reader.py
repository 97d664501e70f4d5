"""Receives the requests of a connection, one after the other, within their deadlines."""

import socket
import time
from http import HTTPStatus

from servers.http.request_head import MAX_HEAD_BYTES, HeadParser, Request
from servers.http.responses import HttpError


class RequestReader:
    """The requests of one connection. A head equal to the last one is not parsed again.

    head_timeout_s bounds a head from its first byte to its last, idle_timeout_s the wait for the first byte. The socket
    is blocking and must have SO_RCVTIMEO set, since deadlines are checked whenever a recv() ends.
    """

    def __init__(self, sock: socket.socket, head_timeout_s: float, idle_timeout_s: float) -> None:
        self._sock = sock
        self._head_timeout_s = head_timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._scheme: bytes = getattr(sock, "scheme", b"http")  # a TlsSocket has its own
        self._buffer = bytearray()
        self._parser = HeadParser(self._scheme)
        self._last: tuple[bytes, HeadParser, Request] | None = None

    @property
    def head_only(self) -> bool:
        """Whether the last request, even if refused, is a HEAD, whose answer must have no body."""
        return self._parser.method == b"HEAD"

    def next(self) -> Request | None:
        """The next request; None when the peer closed or was silent for too long. Raises HttpError, OSError."""
        waiting_since = time.monotonic()
        head_since: float | None = None
        if self._last is not None and not self._buffer:  # mostly the same head comes again, and nothing else
            data = self._receive(waiting_since, head_since)
            if data == self._last[0]:
                _, self._parser, request = self._last
                return request
            if not data:
                return None
            self._buffer += data
        while True:
            if self._last is not None and self._buffer.startswith(self._last[0]):
                head, self._parser, request = self._last
                del self._buffer[: len(head)]
                return request
            if self._buffer and head_since is None:
                head_since = time.monotonic()
                self._parser = HeadParser(self._scheme)
            if self._buffer and (length := self._parser.take(self._buffer)):
                head = bytes(self._buffer[:length])
                del self._buffer[:length]
                request = self._parser.request()
                self._last = head, self._parser, request
                return request
            data = self._receive(waiting_since, head_since)
            if not data:
                return None
            self._buffer += data

    def _receive(self, waiting_since: float, head_since: float | None) -> bytes:
        """What comes next; nothing when no further request will come. Raises HttpError 408, OSError."""
        while True:
            now = time.monotonic()
            if head_since is not None and now - head_since >= self._head_timeout_s:
                raise HttpError(HTTPStatus.REQUEST_TIMEOUT, "the request head came too slowly", closes=True)
            if head_since is None and now - waiting_since >= self._idle_timeout_s:
                return b""
            try:
                return self._sock.recv(MAX_HEAD_BYTES)
            except BlockingIOError:  # SO_RCVTIMEO has passed: check the deadlines
                continue
