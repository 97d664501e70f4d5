"""A request head means the same however it is cut into packets, and a malformed one is refused."""

from http import HTTPStatus

import pytest

from servers.http.request_head import MAX_HEAD_BYTES, Request
from tests.servers.hostile import read_all

HOST = b"Host: a\r\n"
SIMPLE = b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n"


def ways_to_cut(data: bytes) -> dict[str, list[bytes]]:
    return {
        "whole": [data],
        "byte by byte": [data[i : i + 1] for i in range(len(data))],
        "before each LF": [part for line in data.split(b"\n") for part in (line, b"\n")][:-1],
        "after each LF": data.splitlines(keepends=True),
        "in threes": [data[i : i + 3] for i in range(0, len(data), 3)],
    }


def read(data: bytes) -> list[Request | HTTPStatus]:
    results = {name: read_all([part for part in parts if part]) for name, parts in ways_to_cut(data).items()}
    assert all(result == results["whole"] for result in results.values()), results
    return results["whole"]


def get(path: bytes = b"/a", byte_range: bytes | None = None, keep_alive: bool = True, method: str = "GET") -> Request:
    return Request(method, path, byte_range, keep_alive)


GOOD = {
    "HTTP/1.1": (SIMPLE, [get()]),
    "HEAD": (SIMPLE.replace(b"GET", b"HEAD"), [get(method="HEAD")]),
    "pipelined": (SIMPLE + SIMPLE.replace(b"/a", b"/b") + SIMPLE, [get(), get(b"/b"), get()]),
    "the same again": (SIMPLE * 3 + b"\r\n" + SIMPLE, [get()] * 4),
    "the same but for its end": (
        SIMPLE + SIMPLE[:-2] + b"Range: bytes=1-2\r\n\r\n",
        [get(), get(byte_range=b"bytes=1-2")],
    ),
    "close": (b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", [get(keep_alive=False)]),
    "close in a list": (b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", [get(keep_alive=False)]),
    "HTTP/1.0": (b"GET /a HTTP/1.0\r\n\r\n", [get(keep_alive=False)]),
    "HTTP/1.0 keep-alive": (b"GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", [get()]),
    "empty lines before": (b"\r\n\r\n" + SIMPLE + b"\r\n" + SIMPLE, [get(), get()]),
    "nothing but empty lines": (b"\r\n\r\n\r\n", []),
    "nothing": (b"", []),
    "the peer gives up in mid-head": (SIMPLE[:-3], []),
    "empty Host": (b"GET /a HTTP/1.1\r\nHost:\r\n\r\n", [get()]),
    "absolute form": (b"GET http://b:80/a?q HTTP/1.1\r\n" + HOST + b"\r\n", [get()]),
    "absolute form without a path": (b"GET http://b HTTP/1.1\r\n" + HOST + b"\r\n", [get(b"/")]),
    "query": (b"GET /a?b=/c HTTP/1.1\r\n" + HOST + b"\r\n", [get()]),
    "percent-encoding": (b"GET /%61%2F%00%c3%A9+%25 HTTP/1.1\r\n" + HOST + b"\r\n", [get(b"/a/\0\xc3\xa9+%")]),
    "two slashes": (b"GET //a//b HTTP/1.1\r\n" + HOST + b"\r\n", [get(b"//a//b")]),
    "no body, said aloud": (SIMPLE[:-2] + b"Content-Length: 0\r\n\r\n", [get()]),
    "offered upgrade": (SIMPLE[:-2] + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + SIMPLE, [get(), get()]),
    "range": (SIMPLE[:-2] + b"range:  bytes=1-2 \r\n\r\n", [get(byte_range=b"bytes=1-2")]),
    "two ranges": (
        SIMPLE[:-2] + b"Range: bytes=1-2\r\nRange: bytes=3-4\r\n\r\n",
        [get(byte_range=b"bytes=1-2, bytes=3-4")],
    ),
    "range of a HEAD": (SIMPLE.replace(b"GET", b"HEAD")[:-2] + b"Range: bytes=1-2\r\n\r\n", [get(method="HEAD")]),
    "range with a condition": (SIMPLE[:-2] + b'If-Range: "x"\r\nRange: bytes=1-2\r\n\r\n', [get()]),
    "a later minor version": (b"GET /a HTTP/1.2\r\n" + HOST + b"\r\n" + SIMPLE, [get(), get()]),
    "expectation": (SIMPLE[:-2] + b"Expect: 100-continue\r\n\r\n", [get()]),
}

BAD_REQUEST = {
    "noise": b"\x16\x03\x01\x02\x00\x01\xfc",
    "words": b"hello world\r\n\r\n",
    "HTTP/0.9": b"GET /a\r\n\r\n",
    "two spaces": b"GET  /a HTTP/1.1\r\n" + HOST + b"\r\n",
    "a space in the path": b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n",
    "a space at the end": b"GET /a HTTP/1.1 \r\n" + HOST + b"\r\n",
    "NUL in the path": b"GET /a\0 HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes beyond ASCII in the path": b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a path without a slash": b"GET a HTTP/1.1\r\n" + HOST + b"\r\n",
    "asterisk": b"GET * HTTP/1.1\r\n" + HOST + b"\r\n",
    "half an escape": b"GET /%4 HTTP/1.1\r\n" + HOST + b"\r\n",
    "no escape": b"GET /%zz HTTP/1.1\r\n" + HOST + b"\r\n",
    "another protocol": b"GET /a RTSP/1.0\r\n" + HOST + b"\r\n",
    "LF alone": b"GET /a HTTP/1.1\nHost: a\n\n",
    "LF alone after a header": b"GET /a HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "CR alone": b"GET /a HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
    "no Host": b"GET /a HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /a HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "two Hosts in HTTP/1.0": b"GET /a HTTP/1.0\r\n" + HOST + HOST + b"\r\n",
    "a folded header": b"GET /a HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
    "a space before the first header": b"GET /a HTTP/1.1\r\n Host: a\r\n\r\n",
    "a space before the colon": b"GET /a HTTP/1.1\r\nHost : a\r\n\r\n",
    "a header without a colon": b"GET /a HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
    "a header without a name": b"GET /a HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n",
    "NUL in a header": b"GET /a HTTP/1.1\r\nHost: a\0\r\n\r\n",
    "a body": SIMPLE[:-2] + b"Content-Length: 3\r\n\r\nabc",
    "a chunked body": SIMPLE[:-2] + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": SIMPLE[:-2] + b"Content-Length: 0\r\nContent-Length: 3\r\n\r\n",
    "a negative length": SIMPLE[:-2] + b"Content-Length: -1\r\n\r\n",
}

NOT_ALLOWED = [
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "PATCH",
    "PROPFIND",
    "QUERY",
    "BREW",
    "G",
    "get",
    "GETS",
    "x-y",
]


@pytest.mark.parametrize("name", GOOD)
def test_a_good_head_is_understood(name: str) -> None:
    data, expected = GOOD[name]
    assert read(data) == expected


@pytest.mark.parametrize("name", BAD_REQUEST)
def test_a_malformed_head_is_400(name: str) -> None:
    assert read(BAD_REQUEST[name]) == [HTTPStatus.BAD_REQUEST]


@pytest.mark.parametrize("method", NOT_ALLOWED)
def test_another_method_is_405(method: str) -> None:
    assert read(SIMPLE.replace(b"GET", method.encode())) == [HTTPStatus.METHOD_NOT_ALLOWED]


def test_connect_is_405() -> None:
    assert read(b"CONNECT a:80 HTTP/1.1\r\n" + HOST + b"\r\n") == [HTTPStatus.METHOD_NOT_ALLOWED]


@pytest.mark.parametrize("head", [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /a HTTP/3.0\r\n" + HOST + b"\r\n"])
def test_another_major_version_is_505(head: bytes) -> None:
    assert read(head) == [HTTPStatus.HTTP_VERSION_NOT_SUPPORTED]


def of_size(size_bytes: int) -> bytes:
    filler = size_bytes - len(SIMPLE) - len(b"X: \r\n")
    head = SIMPLE[:-2] + b"X: " + b"x" * filler + b"\r\n\r\n"
    assert len(head) == size_bytes
    return head


def test_the_limit_on_a_head_is_exact() -> None:
    too_large = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    assert read(of_size(MAX_HEAD_BYTES)) == [get()]
    assert read(of_size(MAX_HEAD_BYTES + 1)) == [too_large]
    assert read(of_size(MAX_HEAD_BYTES) * 2) == [get(), get()]


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"G" * 40_000, 414), (b"GET /" + b"a" * 40_000, 414), (SIMPLE[:-2] + b"X: " + b"x" * 40_000, 431)],
)
def test_a_head_without_an_end_is_too_long(data: bytes, status: int) -> None:
    assert read_all([data]) == [status]
    assert read_all([data[i : i + 1000] for i in range(0, len(data), 1000)])[-1:] == [status]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"BREW / HTTP/1.1\r\nHost: a\n\n", 405),  # the method comes before the LF alone
        (b"GET / HTTP/1.1\r\nHost : " + b"x" * MAX_HEAD_BYTES, 400),
        (b"GET / HTTP/2.0\r\nHost: " + b"x" * MAX_HEAD_BYTES, 505),
        (b"GET /\0" + b"x" * MAX_HEAD_BYTES, 400),
        (b"GET /" + b"x" * MAX_HEAD_BYTES + b"\0", 414),
    ],
)
def test_of_several_errors_the_first_is_answered_however_the_head_was_cut(data: bytes, status: int) -> None:
    assert read(data) == [status]


def test_a_malformed_head_is_refused_before_its_end_has_come() -> None:
    assert read_all([b"\x16\x03\x01"]) == [HTTPStatus.BAD_REQUEST]
    assert read_all([b"GET /a HTTP/1.1\nHost"]) == [HTTPStatus.BAD_REQUEST]
    assert read_all([b"GET /a HTTP/1.1\r\nHost : "]) == [HTTPStatus.BAD_REQUEST]
