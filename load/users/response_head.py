"""The head of an answer, and what a refusal says."""

import contextlib
import errno
import socket
from http import HTTPStatus

import httptools

from load.users.failures import BadHeadError, ConnectionLostError

_MAX_HEAD_BYTES = 64 << 10
_HEAD_PIECE_BYTES = 4096
_MAX_REASON_BYTES = 300


class ResponseHead:
    """What a download needs from a response head; httptools' callbacks fill it."""

    def __init__(self, raw: bytes) -> None:
        self.length: int | None = None
        self.coding = ""
        self.is_chunked = False
        self.is_text = False
        parser = httptools.HttpResponseParser(self)
        try:
            parser.feed_data(raw)
        except httptools.HttpParserError as error:
            raise BadHeadError(str(error)) from error
        self.status: int = parser.get_status_code()
        self.keep_alive: bool = parser.should_keep_alive()

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-length" and value.isdigit():
            self.length = int(value)
        if name.lower() == b"transfer-encoding" and value.lower() == b"chunked":
            self.is_chunked = True
        elif name.lower() in (b"transfer-encoding", b"content-encoding") and value.lower() != b"identity":
            self.coding = f"{name.decode('latin-1')}: {value.decode('latin-1')}"
        if name.lower() == b"content-type":
            self.is_text = value.lower().startswith(b"text/plain")


def receive_head(sock: socket.socket) -> tuple[ResponseHead, bytes]:
    """The head, and what came of the body with it. Raises DownloadError, OSError."""
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        if len(data) > _MAX_HEAD_BYTES:
            raise BadHeadError(f"no end of the head within {_MAX_HEAD_BYTES} bytes")
        piece = sock.recv(_HEAD_PIECE_BYTES)
        if not piece and not data:
            raise ConnectionResetError(errno.ECONNRESET, "the connection ended before the response head did")
        if not piece:
            raise ConnectionLostError("the connection ended before the response head did")
        data += piece
    return ResponseHead(data[: end + 4]), data[end + 4 :]


def refusal(sock: socket.socket, head: ResponseHead, body: bytes) -> str:
    """The status, and the line of text that comes with it: our servers say why they refuse."""
    phrase = next((status.phrase for status in HTTPStatus if status == head.status), "")
    name = f"{head.status} {phrase}".rstrip()
    length = min(head.length or 0, _MAX_REASON_BYTES) if head.is_text and not head.coding and not head.is_chunked else 0
    with contextlib.suppress(OSError):
        while len(body) < length and (piece := sock.recv(length - len(body))):
            body += piece
    line = body[:length].decode(errors="replace").strip().partition("\n")[0].removeprefix(f"{name}: ")
    return f"status {name}" + (f": {line}" if line.isprintable() and line != "" else "")
