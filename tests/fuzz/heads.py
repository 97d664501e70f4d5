"""What must hold of every stream of bytes that a peer may send as request heads. No fuzzer is needed to ask.

Its rule: parsed, or refused with a status, never both, and the same however it was cut (hostile.disagreement). Beyond
that an independent reader is asked, h11: what it calls no request of HTTP/1.1, or reads with a body where we see none,
must not have been accepted here, since peers that disagree are how requests are smuggled (RFC 9112 section 11.2). And
h11 must read the head that we would answer with, and find the length in it that the body has.
"""

import random
import zlib
from collections.abc import Iterator
from itertools import chain, islice

import h11

from servers.http import responses
from servers.http.request_head import HeadParser, Request
from servers.http.responses import HttpError
from tests.servers import hostile, test_conditions, test_conformance

HOSTILE_HEADS = 200
LONGEST_BYTES = 2000  # longer ones are slow, and the limits on a head are in the tables of the tests
WORDS = (
    *("GET ", "HEAD ", "POST ", " HTTP/1.1\r\n", " HTTP/1.0\r\n", "\r\n\r\n", "\r\n", "\r\n ", "http://", "https://"),
    *("Host: a\r\n", "Range: bytes=", "If-Range: ", "If-Match: *", "If-None-Match: *", "Content-Length: ", "0\r\n"),
    *("Transfer-Encoding: ", "chunked", "Connection: ", "close", "keep-alive", "Upgrade", "Expect: 100-continue\r\n"),
    *("%2e", "%00", "[::1]", "../", "?", "#", "@", ":80", "\x00", "\x7f", "\xff"),
)
SIZES_BYTES = (0, 1, 4097)  # of the files that might be asked for


def seeds() -> Iterator[bytes]:
    """Every row of the conformance tables, and hostile heads."""
    rows = chain(test_conformance.ROWS, test_conditions.RANGES)
    yield from (row.sent for row in rows if len(row.sent) <= LONGEST_BYTES)
    yield from (head for head in islice(hostile.heads(1), HOSTILE_HEADS) if len(head) <= LONGEST_BYTES)


def broken(data: bytes) -> str | None:
    """None when the rule holds; else what broke it. Raises what the parser raises."""
    rng = random.Random(zlib.crc32(data))  # an input alone says how it is cut, so that a finding can be repeated
    if wrong := hostile.disagreement(data, rng):
        return wrong
    for head, request in accepted(data):
        for wrong in (_misread(head, request), *(_misanswered(request, size_bytes) for size_bytes in SIZES_BYTES)):
            if wrong:
                return f"{wrong}; the head was {head!r}, taken for {request}"
    return None


def accepted(data: bytes) -> Iterator[tuple[bytes, Request]]:
    """The requests that are served when a connection sends this, each with the bytes that it was read from."""
    buffer = bytearray(data)
    while buffer:
        parser, before = HeadParser(b"http"), bytes(buffer)
        try:
            length = parser.take(buffer)
            if not length:
                return
            skipped = len(before) - len(buffer)  # empty lines before it
            yield before[skipped : skipped + length], parser.request()
        except HttpError as error:
            if error.closes:
                return
        del buffer[:length]


def _misread(head: bytes, request: Request) -> str | None:
    """What h11 reads differently."""
    peer = h11.Connection(h11.SERVER, max_incomplete_event_size=len(head))
    peer.receive_data(head)
    try:
        read, end = peer.next_event(), peer.next_event()
    except h11.RemoteProtocolError as error:
        return f"accepted, and no request to h11: {error}"
    if not isinstance(read, h11.Request) or not isinstance(end, h11.EndOfMessage):
        return f"accepted without a body; h11 reads {read} and {end}"
    if read.method != request.method.encode():
        return f"h11 reads the method {read.method!r}"
    if request.keep_alive and read.http_version >= b"1.1" and peer.their_state is h11.MUST_CLOSE:
        return "kept alive, which h11 does not read"
    return None


def _misanswered(request: Request, size_bytes: int) -> str | None:
    """What h11 reads differently in the head of the answer from a file of this size."""
    try:
        part = responses.resolve_range(request.byte_range, size_bytes)
        head = responses.file_head(size_bytes, part, request.keep_alive, request.precondition)
    except HttpError as error:
        return None if error.status in (412, 416) else f"a file of {size_bytes} bytes would be answered {error.status}"
    offset, count = part or (0, size_bytes)
    if not (0 <= offset <= offset + count <= size_bytes):
        return f"bytes {offset} to {offset + count} of a file of {size_bytes} bytes"
    peer = h11.Connection(h11.CLIENT)
    peer.send(h11.Request(method=request.method, target="/", headers=[("Host", "a")]))
    peer.receive_data(head)
    read = peer.next_event()
    if not isinstance(read, h11.Response) or dict(read.headers)[b"content-length"] != b"%d" % count:
        return f"answered with {head!r}, in which h11 reads {read}"
    return None
