"""Parses one request head into a Request or an HttpError. Built on llhttp, through httptools.

Its rule: never guess. A head that RFC 9112 lets a server refuse is refused (bare LF, missing or double Host, a body),
and the connection closed. A head is taken up to its empty line and no further, so that pipelined requests stay in step
and the size limit is exact; the result does not depend on how it was cut into packets.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus

import httptools

from servers.http.request_target import check_host, path_of
from servers.http.responses import HttpError, bad_request, method_not_allowed

MAX_HEAD_BYTES = 16 << 10

_END_OF_HEAD = b"\r\n\r\n"
_BARE_LF = re.compile(rb"(?<!\r)\n")
_INCOMPLETE_LINE = re.compile(rb"[ -~]*\r?")  # may still become a request line
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/(\d)\.(\d)\r\n")


@dataclass(frozen=True, slots=True)
class Request:
    """A request head. path: percent-decoded bytes, starting with "/". byte_range: the raw header value or None.

    precondition: the status that its conditions ask for if the file exists, or None to send the file.
    """

    method: str
    path: bytes
    byte_range: bytes | None
    keep_alive: bool
    precondition: HTTPStatus | None = None


class HeadParser:
    """Parses the request line itself and leaves the header fields to llhttp.

    scheme: of the URLs that this connection serves. method: set as soon as it is known.
    """

    def __init__(self, scheme: bytes) -> None:
        self._scheme = scheme
        self._parser = httptools.HttpRequestParser(self)
        self._fed = 0
        self.method = b""
        self._target = b""
        self._hosts: list[bytes] = []
        self._ranges: list[bytes] = []
        self._conditional = False
        self._precondition: HTTPStatus | None = None
        self._body = False
        self._closes = False
        self._keep_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        value = value.strip(b" \t")
        match name.lower():
            case b"host":
                self._hosts.append(value)
            case b"range":
                self._ranges.append(value)
            case b"if-range":
                self._conditional = True
            case b"if-match" if value != b"*":  # no file has an entity tag, RFC 9110 section 13.1.1
                self._precondition = HTTPStatus.PRECONDITION_FAILED
            case b"if-none-match" if value == b"*":  # section 13.1.2; If-Match comes first, section 13.2.2
                self._precondition = self._precondition or HTTPStatus.NOT_MODIFIED
            case b"content-length":
                self._body = self._body or value != b"0"
            case b"transfer-encoding":
                self._body = True
            case b"connection":
                self._closes = self._closes or b"close" in re.split(rb"[ \t]*,[ \t]*", value.lower())

    def on_headers_complete(self) -> None:
        # llhttp forgets its flags at the message's end, and does not know that "close" wins over "keep-alive" in
        # HTTP/1.0 too (RFC 9112 section 9.3)
        self._keep_alive = self._parser.should_keep_alive() and not self._closes

    def take(self, buffer: bytearray) -> int:
        """Parse what is new in the buffer; returns the length of the head once it is complete, 0 before.

        Raises HttpError: 400, 405, 414, 431, 505.
        """
        if not self._fed:
            while buffer.startswith(b"\r\n"):  # leading empty lines are ignored, RFC 9112 section 2.2
                del buffer[:2]
        end = buffer.find(_END_OF_HEAD, max(0, self._fed - len(_END_OF_HEAD) + 1))
        upto = end + len(_END_OF_HEAD) if end >= 0 else len(buffer)
        within = min(upto, MAX_HEAD_BYTES)  # a head may be wrong before it is too long
        if not self._fed:
            if _INCOMPLETE_LINE.fullmatch(buffer, 0, within):
                if upto > within:
                    raise _too_large(HTTPStatus.REQUEST_URI_TOO_LONG, "request line")
                return 0
            self._parse_request_line(buffer)
        bare_lf = _BARE_LF.search(buffer, self._fed, within)
        self._feed(bytes(buffer[self._fed : bare_lf.start() if bare_lf else within]))
        if bare_lf:  # llhttp would accept it as a line's end
            raise bad_request("a line of the head ends with a bare LF")
        if upto > within:
            raise _too_large(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head")
        self._fed = upto
        return upto if end >= 0 else 0

    def _parse_request_line(self, buffer: bytearray) -> None:
        """llhttp alone would accept `GET  /`, `GET / RTSP/1.0`, HTTP/0.9 and some unknown methods."""
        line = _REQUEST_LINE.match(buffer)
        if line is None:
            raise bad_request("the head does not start with a request line")
        if line[3] != b"1":
            raise HttpError(
                HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1.1 and HTTP/1.0 are supported", closes=True
            )
        self.method, self._target = line[1], line[2]
        if line[4] > b"1":  # a later HTTP/1.x is HTTP/1.1 to us, RFC 9110 section 2.5; llhttp would refuse it
            buffer[line.start(4) : line.end(4)] = b"1"

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # h2c or websocket may be ignored, RFC 9110 section 7.8
            return
        except httptools.HttpParserInvalidMethodError as error:
            raise method_not_allowed(closes=True) from error
        except httptools.HttpParserError as error:
            raise bad_request(str(error)) from error

    def request(self) -> Request:
        """The complete head as a Request. Raises HttpError 400, 405 or 421."""
        if len(self._hosts) > 1 or (not self._hosts and self._parser.get_http_version() != "1.0"):
            raise bad_request("a request must have exactly one Host header")
        for host in self._hosts:
            check_host(host)
        if self.method not in (b"GET", b"HEAD"):
            raise method_not_allowed(closes=self._body or not self._keep_alive or self.method == b"CONNECT")
        if self._body:
            raise bad_request("a request for a file must have no body")
        # responses carry no validator, so an If-Range cannot match and gets the whole file
        ranged = self._ranges and self.method == b"GET" and not self._conditional
        return Request(
            method=self.method.decode("ascii"),
            path=path_of(self._target, self._scheme),
            byte_range=b", ".join(self._ranges) if ranged else None,
            keep_alive=self._keep_alive,
            precondition=self._precondition,
        )


def _too_large(status: HTTPStatus, what: str) -> HttpError:
    return HttpError(status, f"the {what} exceeds {MAX_HEAD_BYTES} bytes", closes=True)
