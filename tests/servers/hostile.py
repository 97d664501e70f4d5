"""Thousands of malformed request heads, the same for the same seed.

Its rule: any input gives a Request or an error of ERRORS, however it is cut into packets. `disagreement` checks this
rule, for the tests, the fuzzer (which starts from these heads) and the soak.
"""

import random
import socket
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import TypeVar, cast

from servers.http.request_head import MAX_HEAD_BYTES, Request
from servers.http.request_reader import RequestReader
from servers.http.responses import HttpError

Piece = TypeVar("Piece")
Outcome = list[Request | HTTPStatus]

ERRORS = frozenset({400, 405, 414, 421, 431, 505})  # what a head can be refused with; 408 takes time
ANSWERS = ERRORS | {200, 206, 304, 403, 404, 412, 416}  # what a server that has descriptors left can answer

_METHODS = ((b"GET", b"HEAD"), (b"POST", b"BREW", b"PRI", b"CONNECT", b"get", b"GETS", b"", b"G\0T", b"M-SEARCH"))
_TARGETS = (
    (b"/one", b"/empty", b"/absent", b"/file.bin"),
    (
        b"/",
        b"",
        b"*",
        b"/../outside.bin",
        b"/%2e%2e/outside.bin",
        b"/%00",
        b"/%zz",
        b"/one%",
        b"//one",
        b"/one/",
        b"/one?a#b",
        b"http://a/one",
        b"http://a",
        b"http://[::1/one",
        b"http://a:99999/one",
        b"https://a@b:1/one",
        b"a:80",
        b"/\xff\xfe",
        b"/one two",
        b"/" + b"a/" * 2000,
        b"/" + b"x" * 300,
        b"/" + b"%41" * 6000,
    ),
)
_VERSIONS = (
    (b"HTTP/1.1",),
    (b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.2", b"HTTP/11", b"RTSP/1.0", b"", b"http/1.1"),
)
_HOSTS: tuple[Sequence[list[bytes]], Sequence[list[bytes]]] = (
    ([b"Host: a"],),
    ([], [b"Host: a", b"Host: a"], [b"Host: a b"], [b"Host:"], [b"Host : a"]),
)
_LINE_ENDS = ((b"\r\n",), (b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n", b""))
_HEADERS = [
    b"Range: bytes=0-0",
    b"Range: bytes=5-",
    b"Range: bytes=-0",
    b"Range: bytes=9-1",
    b"Range: bytes=" + b"9" * 2000 + b"-",
    b"Range: bytes=0-1,3-4",
    b"Range: lines=1-2",
    b'If-Range: "x"',
    b"Content-Length: 0",
    b"Content-Length: 5",
    b"Content-Length: -1",
    b"Content-Length: 99999999999999999999999",
    b"Content-Length: 0, 5",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding : chunked",
    b"Connection: close",
    b"Connection: keep-alive, close",
    b"Connection: Upgrade\r\nUpgrade: h2c",
    b"Expect: 100-continue",
    b" folded",
    b": no name",
    b"no colon",
    b"X: a\0b",
    b"X: a\rb",
    b"X: \xff\x80",
    b"X: " + b"x" * (MAX_HEAD_BYTES - 90),
    b"X: " + b"x" * MAX_HEAD_BYTES,
    b"X: y\r\n" * 700 + b"X: y",
]
_STRAY = [b"\0", b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b"%", b"\x7f", b"\x80", b"\xff", b"\x16\x03\x01", b"PRI * "]


def heads(seed: int) -> Iterator[bytes]:
    """Without end: what a hostile peer sends over one connection, mostly one head, sometimes several."""
    rng = random.Random(seed)
    while True:
        data = b"".join(_head(rng) for _ in range(rng.choice((1, 1, 1, 2, 3))))
        for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 8))):
            data = rng.choice(MUTATIONS)(rng, data)
        yield data


def _head(rng: random.Random) -> bytes:
    lines = [b" ".join(_mostly_good(rng, choices) for choices in (_METHODS, _TARGETS, _VERSIONS))]
    lines += _mostly_good(rng, _HOSTS)
    lines += rng.sample(_HEADERS, rng.choice((0, 0, 0, 1, 1, 2, 5)))
    return b"".join(line + _mostly_good(rng, _LINE_ENDS, odd=0.02) for line in (*lines, b""))


def _mostly_good(rng: random.Random, choices: tuple[Sequence[Piece], Sequence[Piece]], odd: float = 0.15) -> Piece:
    return rng.choice(choices[rng.random() < odd])


def _flip(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) or 1)
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _insert(rng: random.Random, data: bytes) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.choice(_STRAY) + data[at:]


def _drop(rng: random.Random, data: bytes) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + data[at + rng.randint(0, 20) :]


def _repeat(rng: random.Random, data: bytes) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + data[at : at + rng.randint(0, 60)] * rng.choice((2, 2, 3, 400)) + data[at:]


def _cut_short(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randint(0, len(data))]


MUTATIONS: Sequence[Callable[[random.Random, bytes], bytes]] = (_flip, _insert, _drop, _repeat, _cut_short)


class Packets:
    """Stands in for a socket: recv() gives one packet after the other, then the end of the stream."""

    def __init__(self, packets: Sequence[bytes]) -> None:
        self._packets = iter(packets)

    def recv(self, _size_bytes: int) -> bytes:
        return next(self._packets, b"")


def read_all(packets: Sequence[bytes]) -> Outcome:
    """Every request of a connection, and the status of the error that ended it."""
    reader = RequestReader(cast(socket.socket, Packets(packets)), head_timeout_s=60.0, idle_timeout_s=60.0)
    results: Outcome = []
    try:
        while request := reader.next():
            results.append(request)
    except HttpError as error:
        results.append(error.status)
    return results


def disagreement(data: bytes, rng: random.Random, in_packets: bool = True) -> str | None:
    """None when the rule holds for what one connection sends; else what broke it. Raises what the reader raises."""
    whole = read_all([data] if data else [])
    if not ERRORS.issuperset(result for result in whole if isinstance(result, HTTPStatus)):
        return f"another status than {sorted(ERRORS)}: {whole}"
    if any(isinstance(result, Request) and not result.path.startswith(b"/") for result in whole):
        return f"a path that does not start with a slash: {whole}"
    packets = cut(data, rng) if in_packets else []
    if in_packets and (parted := read_all(packets)) != whole:
        return f"in one packet: {whole}; in packets of {[len(packet) for packet in packets]} bytes: {parted}"
    return None


def cut(data: bytes, rng: random.Random) -> list[bytes]:
    """The same bytes in packets of random sizes, none of them empty."""
    largest = max(1, len(data) // rng.choice((1, 8, 30, 150)))
    packets = []
    at = 0
    while at < len(data):
        size = rng.randint(1, largest)
        packets.append(data[at : at + size])
        at += size
    return packets
