"""A chunked body is counted as the file is: without what stands between its pieces."""

import pytest

from load.users import connection as connections
from load.users import failures
from load.users.connection import SINKS, Sink
from tests.load.fake_server import answering
from tests.load.users.test_connection import counted

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunk(size: int) -> bytes:
    return b"%X\r\n%s\r\n" % (size, b"x" * size)


@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize(
    ("sizes", "end"),
    [
        ((), END),
        ((1,), END),
        ((4099, 1, 31, 32, 33, 5000), END),
        ((connections.PIECE_BYTES, connections.PIECE_BYTES + 1, 1), END),
        ((3_000_017,), b"0 ;why=not\r\nDigest: 1\r\nServer-Timing: 2\r\n\r\n"),
    ],
)
def test_every_byte_is_counted_once_and_the_connection_is_kept(sizes: tuple[int, ...], end: bytes, sink: Sink) -> None:
    with answering(CHUNKED + b"".join(map(chunk, sizes)) + end, "stall") as address:
        connection, pieces = counted(address, sink, sum(sizes))
        assert connection.download("/file") == sum(pieces) == sum(sizes)
        assert connection._sock is not None
        connection.close()


@pytest.mark.parametrize(
    ("body", "then", "failure"),
    [
        (b"4\r\nabcd", "close", failures.ShortBodyError),
        (b"4\r\nab", "close", failures.ShortBodyError),
        (b"4\r\nabcd\r\n", "stall", failures.TimedOutError),
        (b"4\r\nabcd\r\n0\r\n", "close", failures.ShortBodyError),
        (b"5\r\nabcde\r\n" + END, "close", failures.WrongLengthError),
        (b"3\r\nabc\r\n" + END, "close", failures.WrongLengthError),
        (b"4\r\nabcdefgh", "close", failures.EncodedError),
        (b"-4\r\nabcd\r\n", "close", failures.EncodedError),
        (b"0x4\r\nabcd\r\n", "close", failures.EncodedError),
        (b"abcd" * 3000, "stall", failures.EncodedError),
        (b"0\r\n" + b"X: y\r\n" * 3000, "close", failures.ShortBodyError),
    ],
)
def test_what_is_wrong_has_a_name(body: bytes, then: str, failure: type[Exception]) -> None:
    with answering(CHUNKED + body, then) as address:
        connection, _ = counted(address, "copy", 4, timeout_s=0.3)
        with pytest.raises(failure):
            connection.download("/file")
