"""HTTP/1.1 as a file server needs it: request heads in, response heads out, errors as status codes.

Its rule: a head is handed to llhttp (through httptools) up to its empty line and no further, so that pipelined
requests stay in step and the limit on a head is exact. What must not be done: guess. A head that RFC 9112
lets a server refuse is refused (bare LF, missing or double Host, a body), and the connection closed.
"""

import re
import socket
import time
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

import httptools

MAX_HEAD_BYTES = 16 << 10

_END_OF_HEAD = b"\r\n\r\n"
_BARE_LF = re.compile(rb"(?<!\r)\n")
_METHOD_TOKEN = re.compile(rb"[A-Z][A-Z-]* ")
_ONE_RANGE = re.compile(rb"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.IGNORECASE)


class HttpError(Exception):
    """A request that is answered with an error status; closes says whether the connection ends with it."""

    def __init__(self, status: HTTPStatus, why: str, *, headers: tuple[str, ...] = (), closes: bool = False) -> None:
        super().__init__(why)
        self.status = status
        self.headers = headers
        self.closes = closes


@dataclass(frozen=True, slots=True)
class Request:
    """A request head. path: percent-decoded bytes, starting with "/". byte_range: the raw header value or None."""

    method: str
    path: bytes
    byte_range: bytes | None
    keep_alive: bool


class RequestReader:
    """The requests of one connection, one after the other.

    head_timeout_s bounds a head from its first byte to its last, idle_timeout_s the wait for the first. The socket
    is blocking; SO_RCVTIMEO must be set on it, since deadlines are looked at whenever a recv() ends.
    """

    def __init__(self, sock: socket.socket, head_timeout_s: float, idle_timeout_s: float) -> None:
        self._sock = sock
        self._head_timeout_s = head_timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._buffer = bytearray()

    def next(self) -> Request | None:
        """The next request; None when the peer closed, or stayed silent for too long. Raises HttpError, OSError."""
        waiting_since = time.monotonic()
        head_since: float | None = None
        parser = _HeadParser()
        fed = 0
        while True:
            if fed == 0:  # an empty line before the request line is to be ignored, RFC 9112 section 2.2
                while self._buffer.startswith(b"\r\n"):
                    del self._buffer[:2]
            end = self._buffer.find(_END_OF_HEAD, max(0, fed - len(_END_OF_HEAD)))
            upto = end + len(_END_OF_HEAD) if end >= 0 else len(self._buffer)
            if upto > MAX_HEAD_BYTES:
                raise HttpError(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the head exceeds {MAX_HEAD_BYTES} bytes", closes=True
                )
            parser.feed(bytes(self._buffer[fed:upto]))
            fed = upto
            if end >= 0:
                del self._buffer[:upto]
                return parser.request()
            if self._buffer and head_since is None:
                head_since = time.monotonic()
            if not self._receive(waiting_since, head_since):
                return None

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


class _HeadParser:
    """llhttp's callbacks for one head, and the judgement over it."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._raw = b""
        self._target = b""
        self._hosts = 0
        self._range: bytes | None = None
        self._conditional = False
        self._body = False

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        match name.lower():
            case b"host":
                self._hosts += 1
            case b"range":
                self._range = value
            case b"if-range":
                self._conditional = True
            case b"content-length":
                self._body = self._body or value.strip() != b"0"
            case b"transfer-encoding":
                self._body = True

    def feed(self, data: bytes) -> None:
        """Raises HttpError 400 for what no server should accept, 405 for a method that llhttp does not know."""
        if not data:
            return
        self._raw = self._raw[-1:] + data if self._target else self._raw + data
        if _BARE_LF.search(self._raw):
            raise _bad_request("a line of the head ends in LF alone")
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # an offer (h2c, websocket) that a server may ignore, RFC 9110 section 7.8
            return
        except httptools.HttpParserInvalidMethodError as error:
            if _METHOD_TOKEN.match(self._raw):
                raise _method_not_allowed(closes=True) from error
            raise _bad_request("the head does not start with a method") from error
        except httptools.HttpParserError as error:
            raise _bad_request(str(error)) from error

    def request(self) -> Request:
        """The finished head as a Request. Raises HttpError."""
        version = self._parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise HttpError(
                HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, f"HTTP/{version} is not spoken here, HTTP/1.1 is", closes=True
            )
        if self._hosts > 1 or (self._hosts == 0 and version == "1.1"):
            raise _bad_request("a request has exactly one Host header")
        method = self._parser.get_method().decode("ascii")
        if method not in ("GET", "HEAD"):
            raise _method_not_allowed(closes=self._body or method == "CONNECT")
        if self._body:
            raise _bad_request("a request for a file has no body")
        return Request(
            method=method,
            path=_path(self._target),
            # Nothing sent here carries a validator, so an If-Range cannot match: the whole file it is.
            byte_range=None if self._conditional or method == "HEAD" else self._range,
            keep_alive=self._parser.should_keep_alive(),
        )


def _path(target: bytes) -> bytes:
    try:
        path = httptools.parse_url(target).path
    except httptools.HttpParserInvalidURLError as error:
        raise _bad_request("the request target is not a URL") from error
    if not path or not path.startswith(b"/"):
        raise _bad_request("the request target has no path")
    return unquote_to_bytes(path)


def _bad_request(why: str) -> HttpError:
    return HttpError(HTTPStatus.BAD_REQUEST, why, closes=True)


def _method_not_allowed(closes: bool) -> HttpError:
    return HttpError(
        HTTPStatus.METHOD_NOT_ALLOWED, "files are served to GET and HEAD", headers=("Allow: GET, HEAD",), closes=closes
    )


def resolve_range(value: bytes | None, size_bytes: int) -> tuple[int, int] | None:
    """The (offset, count) that a Range header asks of a file, or None for the whole of it.

    One range of bytes is honoured. Several ranges, or another unit, are ignored as RFC 9110 section 14.2 allows.
    Raises HttpError 416 for a range that cannot be read or lies behind the end.
    """
    if value is None or not value.lower().startswith(b"bytes=") or b"," in value:
        return None
    match = _ONE_RANGE.fullmatch(value)
    if match and (match[1] or match[2]):
        first, last = match[1], match[2]
        if not first:  # the last N bytes
            count = min(int(last), size_bytes)
            if count:
                return size_bytes - count, count
        elif int(first) < size_bytes and (not last or int(first) <= int(last)):
            end = min(int(last), size_bytes - 1) if last else size_bytes - 1
            return int(first), end - int(first) + 1
    raise HttpError(
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
        f"this file has the bytes 0 to {size_bytes - 1}",
        headers=(f"Content-Range: bytes */{size_bytes}",),
    )


def file_head(size_bytes: int, part: tuple[int, int] | None, keep_alive: bool) -> bytes:
    """The response head for a whole file (200) or an (offset, count) of it (206)."""
    common = ("Accept-Ranges: bytes", "Content-Type: application/octet-stream")
    if part is None:
        return _head(HTTPStatus.OK, size_bytes, common, keep_alive)
    offset, count = part
    content_range = f"Content-Range: bytes {offset}-{offset + count - 1}/{size_bytes}"
    return _head(HTTPStatus.PARTIAL_CONTENT, count, (*common, content_range), keep_alive)


def error_response(error: HttpError, keep_alive: bool, head_only: bool) -> bytes:
    """An error's head and its one line of text (left out for HEAD)."""
    body = f"{error.status.value} {error.status.phrase}: {error}\n".encode()
    headers = ("Content-Type: text/plain; charset=utf-8", *error.headers)
    return _head(error.status, len(body), headers, keep_alive) + (b"" if head_only else body)


def _head(status: HTTPStatus, length: int, headers: tuple[str, ...], keep_alive: bool) -> bytes:
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Date: {_http_date(int(time.time()))}",
        f"Content-Length: {length}",
        *headers,
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
    )
    return "\r\n".join(lines).encode("latin-1") + _END_OF_HEAD


_last_date = (0, "")


def _http_date(now_s: int) -> str:
    """The time as RFC 9110 section 5.6.7 writes it, made once a second."""
    global _last_date
    if _last_date[0] != now_s:
        _last_date = (now_s, formatdate(now_s, usegmt=True))
    return _last_date[1]
