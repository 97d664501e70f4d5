"""A raw HTTP client that can send malformed requests and sees each byte that comes back."""

import select
import socket
import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType

TIMEOUT_S = 20.0
RECEIVE_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class Response:
    """headers: names in small letters. body: what arrived, which may be less than what was promised."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def promised_bytes(self) -> int:
        return int(self.headers["content-length"])


def head(path: str = "/file.bin", *headers: str, method: str = "GET", version: str = "HTTP/1.1") -> bytes:
    """A request head."""
    return "\r\n".join([f"{method} {path} {version}", "Host: test", *headers, "", ""]).encode("latin-1")


class TlsPort(int):
    """The port of a server that speaks TLS; a Connection to it does too."""


def tls_context() -> ssl.SSLContext:
    """A client context that accepts any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Connection:
    """One connection to a local server."""

    def __init__(self, port: int, receive_buffer_bytes: int | None = None) -> None:
        self.sock = socket.socket()
        self.sock.settimeout(TIMEOUT_S)
        if receive_buffer_bytes:  # before connect(), so that the window is small from the start
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.sock.connect(("127.0.0.1", port))
        if isinstance(port, TlsPort):
            self.sock = tls_context().wrap_socket(self.sock)
        self._received = b""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.sock.close()

    def get(self, path: str = "/file.bin", *headers: str, method: str = "GET", version: str = "HTTP/1.1") -> Response:
        self.sock.sendall(head(path, *headers, method=method, version=version))
        return self.response(with_body=method != "HEAD")

    def response(self, with_body: bool = True) -> Response:
        """The next response; its body ends early when the server closes."""
        status, headers = self.response_head()
        return Response(status, headers, self.body(int(headers["content-length"]) if with_body else 0))

    def response_head(self) -> tuple[int, dict[str, str]]:
        while b"\r\n\r\n" not in self._received:
            data = self.sock.recv(RECEIVE_BYTES)
            assert data, f"the connection ended before a response head: {self._received!r}"
            self._received += data
        text, self._received = self._received.split(b"\r\n\r\n", 1)
        status_line, *lines = text.decode("latin-1").split("\r\n")
        fields = [line.split(": ", 1) for line in lines]
        headers = {name.lower(): value for name, value in fields}
        assert len(headers) == len(fields), f"a header came twice: {lines}"
        version, status, _ = status_line.split(" ", 2)
        assert version == "HTTP/1.1"
        return int(status), headers

    def body(self, size_bytes: int) -> bytes:
        """As much of a body as comes before the connection ends, in one way or another."""
        parts = [self._received[:size_bytes]]
        self._received = self._received[size_bytes:]
        left = size_bytes - len(parts[0])
        while left:
            try:
                data = self.sock.recv(min(left, RECEIVE_BYTES))
            except (ConnectionResetError, ssl.SSLError):
                break
            if not data:
                break
            parts.append(data)
            left -= len(data)
        return b"".join(parts)

    def finish_sending(self) -> None:
        """Half-close, below TLS too."""
        socket.socket.shutdown(self.sock, socket.SHUT_WR)

    def ended(self) -> bool:
        """Whether the server closes the connection without another byte, in order, by a reset or by an alert of TLS."""
        try:
            return self._received == b"" and self.sock.recv(1) == b""
        except (ConnectionResetError, ssl.SSLError):
            return True

    def wait_until_reset(self) -> None:
        """Without reading a byte."""
        poll = select.poll()
        poll.register(self.sock, 0)  # POLLERR and POLLHUP come unasked
        assert poll.poll(TIMEOUT_S * 1000), "the server has not reset the connection"

    def reset(self) -> None:
        """Close so that the server sees ECONNRESET."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def get(port: int, path: str = "/file.bin", *headers: str, method: str = "GET", version: str = "HTTP/1.1") -> Response:
    """One request on a connection of its own."""
    with Connection(port) as connection:
        return connection.get(path, *headers, method=method, version=version)
