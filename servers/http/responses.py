"""HTTP responses: errors as status codes, byte ranges, response heads."""

import functools
import re
import time
from http import HTTPStatus

_DATE = "%a, %d %b %Y %H:%M:%S GMT"  # RFC 9110 section 5.6.7; the names are English, as nothing here calls setlocale()
_ONE_RANGE = re.compile(rb"bytes=[ \t]*(\d{0,999})-(\d{0,999})[ \t]*", re.IGNORECASE)


class HttpError(Exception):
    """A request that is answered with a status and a line of text, and no file. closes: whether the connection ends."""

    def __init__(self, status: HTTPStatus, why: str, *, headers: tuple[str, ...] = (), closes: bool = False) -> None:
        super().__init__(why)
        self.status = status
        self.headers = headers
        self.closes = closes


def bad_request(why: str) -> HttpError:
    return HttpError(HTTPStatus.BAD_REQUEST, why, closes=True)


def method_not_allowed(closes: bool) -> HttpError:
    return HttpError(
        HTTPStatus.METHOD_NOT_ALLOWED, "files are served to GET and HEAD", headers=("Allow: GET, HEAD",), closes=closes
    )


def unavailable(why: str) -> HttpError:
    return HttpError(HTTPStatus.SERVICE_UNAVAILABLE, why, headers=("Retry-After: 1",), closes=True)


def resolve_range(value: bytes | None, size_bytes: int) -> tuple[int, int] | None:
    """The (offset, count) that a Range header requests, or None for the whole file.

    Several ranges and other units are ignored, as RFC 9110 section 14.2 allows; so is the end of an empty file, which
    206 cannot express. Raises HttpError 416 for a malformed range or one behind the end.
    """
    if value is None or not value.lower().startswith(b"bytes=") or b"," in value:
        return None
    match = _ONE_RANGE.fullmatch(value)
    if match and (match[1] or match[2]):
        first, last = match[1], match[2]
        if not first:  # the last N bytes
            count = min(int(last), size_bytes)
            if int(last):
                return (size_bytes - count, count) if count else None
        elif int(first) < size_bytes and (not last or int(first) <= int(last)):
            end = min(int(last), size_bytes - 1) if last else size_bytes - 1
            return int(first), end - int(first) + 1
    raise HttpError(
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
        f"the file has {size_bytes} bytes and not this range",
        headers=(f"Content-Range: bytes */{size_bytes}",),
    )


def file_head(
    size_bytes: int, part: tuple[int, int] | None, keep_alive: bool, precondition: HTTPStatus | None = None
) -> bytes:
    """The response head for a whole file (200), an (offset, count) of it (206), or an unchanged file (304).

    precondition: the status that the request's conditions ask for, if any. Raises HttpError for 412.
    """
    return _file_head_at(int(time.time()), size_bytes, part, keep_alive, precondition)


@functools.lru_cache(maxsize=64)  # heads are equal within a second
def _file_head_at(
    now_s: int, size_bytes: int, part: tuple[int, int] | None, keep_alive: bool, precondition: HTTPStatus | None
) -> bytes:
    if precondition == HTTPStatus.PRECONDITION_FAILED:
        raise HttpError(precondition, "the file has no entity tag that could match")
    if precondition == HTTPStatus.NOT_MODIFIED:  # Content-Length as in 200, RFC 9110 section 8.6
        return _head(now_s, precondition, size_bytes, (), keep_alive)
    common = ("Accept-Ranges: bytes", "Content-Type: application/octet-stream")
    if part is None:
        return _head(now_s, HTTPStatus.OK, size_bytes, common, keep_alive)
    offset, count = part
    content_range = f"Content-Range: bytes {offset}-{offset + count - 1}/{size_bytes}"
    return _head(now_s, HTTPStatus.PARTIAL_CONTENT, count, (*common, content_range), keep_alive)


def error_response(error: HttpError, keep_alive: bool, head_only: bool) -> bytes:
    """The head and, unless head_only, one line of text."""
    body = f"{error.status.value} {error.status.phrase}: {error}\n".encode()
    headers = ("Content-Type: text/plain; charset=utf-8", *error.headers)
    return _head(int(time.time()), error.status, len(body), headers, keep_alive) + (b"" if head_only else body)


def _head(now_s: int, status: HTTPStatus, length: int, headers: tuple[str, ...], keep_alive: bool) -> bytes:
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Date: {time.strftime(_DATE, time.gmtime(now_s))}",
        f"Content-Length: {length}",
        *headers,
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
    )
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
