"""One download over one socket: request head, response head, drain to a sink (without HTTP: raw_connection.py).

Its rule: bytes are counted as they arrive, and an answer is complete or a named failure. It does not import locust, so
that the course's client can use it.

Sinks: "copy" receives into a buffer, as a real client does; "discard" lets the kernel drop the body (MSG_TRUNC,
tcp(7)), which leaves the cores to the server. A result names its sink. Over TLS everything must be decrypted, record by
record, so both sinks are "copy" there.

The client wakes up for a piece of 256 KiB (SO_RCVLOWAT, socket(7)) and not for every segment. Without that, a gevent
client on a core of its own woke every 63 KiB and was the bottleneck, 96 % busy; with whole pieces it is 35 % busy.
"""

import mmap
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import Literal, get_args

from errors import remedy
from load.users.chunks import BadChunkError, Chunks
from load.users.failures import (
    ConnectError,
    ConnectionLostError,
    EncodedError,
    ShortBodyError,
    TimedOutError,
    WrongLengthError,
    WrongStatusError,
)
from load.users.response_head import ResponseHead, receive_head, refusal
from profiles.targets.http_probe import unverified_tls

Sink = Literal["discard", "copy"]
SINKS: tuple[Sink, ...] = get_args(Sink)

PIECE_BYTES = 256 << 10
SOCKET_OPTIONS = f"TCP_NODELAY, SO_RCVLOWAT {PIECE_BYTES}"  # for a run's record

# Address space that recv() may name but never touches. recv(n, MSG_TRUNC) would return unwritten memory instead.
_UNTOUCHED = memoryview(mmap.mmap(-1, 64 << 20))


class DownloadConnection:
    """A keep-alive connection to a server, made when it is first needed.

    on_bytes: called with the number of body bytes whenever some arrive. expected_bytes: the length that each answer
    must have, where known. tls: without checking the certificate: what is measured is a data path and not trust.
    discards: whether the kernel drops the body unread.

    After an error the connection is closed, and the next download makes a new one. A server may close a connection that
    is idle; then the request is sent again over a new one (RFC 9112 section 9.3.1).
    """

    timeout_s = 30.0

    def __init__(
        self,
        address: tuple[str, int],
        sink: Sink,
        on_bytes: Callable[[int], None],
        expected_bytes: int | None = None,
        tls: bool = False,
    ) -> None:
        self._address = address
        self._on_bytes = on_bytes
        self._expected_bytes = expected_bytes
        self.discards = sink == "discard" and not tls
        self._buffer = _UNTOUCHED if self.discards else memoryview(bytearray(PIECE_BYTES))
        self._flags = socket.MSG_TRUNC if self.discards else 0
        self._tls = unverified_tls() if tls else None
        self._sock: socket.socket | None = None

    def download(self, path: str) -> int:
        """GET the path and drain its body; the body's length in bytes. Raises a DownloadError."""
        complete = False
        try:
            length, complete = self._exchange(path)
            return length
        except TimeoutError as error:
            raise TimedOutError(f"nothing arrived for {self.timeout_s:g} s") from error
        except OSError as error:
            raise ConnectionLostError(error.strerror or str(error)) from error
        finally:
            if not complete:  # also when the user is stopped: a half-read connection is useless
                self.close()

    def _exchange(self, path: str) -> tuple[int, bool]:
        """Ask and drain: the body's length, and whether the connection can be used again."""
        sock, head, body_start = self._request(path)
        if head.status != HTTPStatus.OK:
            raise WrongStatusError(refusal(sock, head, body_start))
        if head.coding:
            raise EncodedError(f"it sends {head.coding}: have it send the file as it is, with a Content-Length")
        if head.is_chunked:
            return self._drain_chunks(sock, body_start), head.keep_alive
        length = self._body_length(head, body_start)
        self._on_bytes(len(body_start))
        self._drain(sock, length - len(body_start))
        return length, head.keep_alive

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _connected(self) -> socket.socket:
        if self._sock is None:
            try:
                self._sock = socket.create_connection(self._address, self.timeout_s)
                self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls is not None:
                    self._sock = self._tls.wrap_socket(self._sock)
            except OSError as error:
                self.close()
                advice = remedy(error, otherwise="")
                raise ConnectError(f"{error.strerror or error}{advice and f'; {advice}'}") from error
        return self._sock

    def _request(self, path: str) -> tuple[socket.socket, ResponseHead, bytes]:
        """Send the request; the socket, the head of the answer, and the first bytes of its body."""
        kept = self._sock is not None
        host = f"[{self._address[0]}]" if ":" in self._address[0] else self._address[0]
        request = f"GET {path} HTTP/1.1\r\nHost: {host}:{self._address[1]}\r\nAccept: */*\r\n\r\n".encode("ascii")
        while True:
            sock = self._connected()
            try:
                sock.sendall(request)
                return sock, *receive_head(sock)
            except (ConnectionResetError, BrokenPipeError):
                self.close()
                if not kept:
                    raise
                kept = False

    def _body_length(self, head: ResponseHead, body_start: bytes) -> int:
        """Raises WrongLengthError."""
        if head.length is None:
            raise WrongLengthError("the response has no Content-Length")
        if self._expected_bytes is not None and head.length != self._expected_bytes:
            raise WrongLengthError(f"{head.length} bytes are announced, but the file has {self._expected_bytes}")
        if len(body_start) > head.length:
            raise WrongLengthError(f"{len(body_start)} bytes came for a body of {head.length}")
        return head.length

    def _drain_chunks(self, sock: socket.socket, body_start: bytes) -> int:
        """The length of the whole body in bytes, without what stands between its pieces. Raises a DownloadError."""
        chunks, length = Chunks(sock, body_start), 0
        try:
            while size := chunks.next_size():
                length += size
                if self._expected_bytes is not None and length > self._expected_bytes:
                    raise WrongLengthError(f"more than {self._expected_bytes} bytes came, which the file has")
                taken = chunks.take(size)
                self._on_bytes(taken)
                self._drain(sock, size - taken)
                chunks.end_of_piece()
        except BadChunkError as error:
            raise EncodedError(f"{error} stands where the length of a chunk should") from error
        except EOFError as error:
            raise ShortBodyError("the last chunk is missing") from error
        if self._expected_bytes not in (None, length):
            raise WrongLengthError(f"{length} bytes came, but the file has {self._expected_bytes}")
        return length

    def _drain(self, sock: socket.socket, left: int) -> None:
        """Receive exactly the bytes that are left, in whole pieces while there are any.

        OpenSSL may hold one record that the socket no longer has, so TLS stops two pieces before the end.
        """
        until = PIECE_BYTES if self._tls is None else 2 * PIECE_BYTES
        if left > until:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, PIECE_BYTES)
            left = self._receive(sock, left, until)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        self._receive(sock, left, 0)

    def _receive(self, sock: socket.socket, left: int, until: int) -> int:
        """Receive until at most `until` bytes are left; how many are. Raises ShortBodyError."""
        while left > until:
            got = sock.recv_into(self._buffer, min(left, len(self._buffer)), self._flags)
            if got == 0:
                raise ShortBodyError(f"{left} bytes are missing")
            self._on_bytes(got)
            left -= got
        return left
