"""Good and rude peers for the tests and the soak: each does one thing to a server.

Its rule: a peer asserts what it must get, takes all else from the given random numbers, and leaves no connection
behind. It uses raw.Connection, so that it works with every mode.
"""

import random
import re
import socket
from collections.abc import Callable

from tests.servers import hostile
from tests.servers.raw import Connection, head

Peer = Callable[[int, bytes, random.Random], None]  # port, the content of /file.bin, random numbers

SMALL_WINDOW_BYTES = 16 << 10  # with 4 KiB the kernel drops what it copied for MSG_ZEROCOPY, and waits to send it again
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


def whole(port: int, content: bytes, rng: random.Random) -> None:
    with Connection(port) as connection:
        for _ in range(rng.randint(1, 3)):
            response = connection.get()
            assert (response.status, response.body == content) == (200, True)


def part(port: int, content: bytes, rng: random.Random) -> None:
    with Connection(port) as connection:
        for _ in range(rng.randint(1, 5)):
            first = rng.randrange(len(content))
            last = min(first + rng.choice((0, 1, 4095, 4096, 300_000)), len(content) - 1)
            response = connection.get("/file.bin", f"Range: bytes={first}-{last}")
            assert (response.status, response.body == content[first : last + 1]) == (206, True)


def pipelined(port: int, content: bytes, rng: random.Random) -> None:
    with Connection(port) as connection:
        connection.sock.sendall(head("/one") + head() + head("/absent") + head("/one"))
        assert connection.response().body == b"1"
        assert connection.response().body == content
        assert connection.response().status == 404
        assert connection.response().body == b"1"


def small_window(port: int, content: bytes, rng: random.Random) -> None:
    with Connection(port, receive_buffer_bytes=SMALL_WINDOW_BYTES) as connection:
        first = rng.randrange(max(1, len(content) - 200_000), len(content))
        assert connection.get("/file.bin", f"Range: bytes={first}-").body == content[first:]


def half_closed(port: int, content: bytes, rng: random.Random) -> None:
    """Half-closes, and reads on."""
    with Connection(port) as connection:
        connection.sock.sendall(head("/one") + head())
        connection.finish_sending()
        assert connection.response().body == b"1"
        assert connection.response().body == content
        assert connection.ended()


def aborts(port: int, content: bytes, rng: random.Random) -> None:
    """Closes somewhere in the body; its unread bytes make that a reset."""
    with Connection(port, receive_buffer_bytes=rng.choice((None, SMALL_WINDOW_BYTES))) as connection:
        connection.sock.sendall(head() * rng.randint(1, 3))
        connection.response_head()
        size = rng.randrange(len(content))
        assert connection.body(size) == content[:size]


def resets(port: int, content: bytes, rng: random.Random) -> None:
    connection = Connection(port, receive_buffer_bytes=rng.choice((None, SMALL_WINDOW_BYTES)))
    connection.sock.sendall(head())
    connection.response_head()
    size = rng.randrange(len(content))
    assert connection.body(size) == content[:size]
    connection.reset()


def resets_before_an_answer(port: int, content: bytes, rng: random.Random) -> None:
    connection = Connection(port)
    connection.sock.sendall((head() * 2)[: rng.randrange(2 * len(head()))])
    connection.reset()


def stops_listening(port: int, content: bytes, rng: random.Random) -> None:
    """Shuts down both sides with a body under way, and only then closes."""
    with Connection(port, receive_buffer_bytes=SMALL_WINDOW_BYTES) as connection:
        connection.sock.sendall(head())
        connection.response_head()
        socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)  # below TLS too


def gives_up_in_the_head(port: int, content: bytes, rng: random.Random) -> None:
    with Connection(port) as connection:
        connection.sock.sendall(head()[: rng.randrange(len(head()))])


def says_nothing(port: int, content: bytes, rng: random.Random) -> None:
    with Connection(port):
        pass


def hostile_heads(port: int, content: bytes, rng: random.Random) -> None:
    heads = hostile.heads(rng.getrandbits(64))
    for _ in range(10):
        sends(port, next(heads))


def sends(port: int, data: bytes) -> None:
    """A good request, which is answered, followed by these bytes, which get some answer."""
    with Connection(port) as connection:
        connection.sock.sendall(head("/one") + data)
        connection.finish_sending()
        assert connection.response().body == b"1"
        rest = connection.body(1 << 30)
    statuses = [int(status) for status in _STATUS.findall(rest)]
    assert hostile.ANSWERS.issuperset(statuses), (statuses, data)
    assert rest[:9] == b"HTTP/1.1 " or not rest, (rest[:100], data)


GOOD: tuple[Peer, ...] = (whole, part, pipelined, small_window, half_closed)
RUDE: tuple[Peer, ...] = (
    aborts,
    resets,
    resets_before_an_answer,
    stops_listening,
    gives_up_in_the_head,
    says_nothing,
    hostile_heads,
)
