"""A download is whole, or it is a failure with a name."""

import contextlib
import errno
import os
import socket
import threading
from functools import partial
from pathlib import Path

import pytest

from load.users import connection as connections
from load.users import failures
from load.users.connection import SINKS, DownloadConnection, Sink
from load.users.meter import MOST_REASONS, Meter
from servers import discovery, sockets
from servers.server import Limits, Server
from tests.load.fake_server import answering

OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


def counted(
    address: tuple[str, int], sink: Sink, expected_bytes: int | None = None, timeout_s: float = 5.0, tls: bool = False
) -> tuple[DownloadConnection, list[int]]:
    pieces: list[int] = []
    connection = DownloadConnection(address, sink, pieces.append, expected_bytes, tls)
    connection.timeout_s = timeout_s
    return connection, pieces


@pytest.mark.parametrize("mode_name", ["sendfile", "tls-send"])
@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize("size_bytes", [0, 1, 4099, connections.PIECE_BYTES, connections.PIECE_BYTES + 1, 3_000_017])
def test_every_byte_of_a_real_server_is_counted_once(
    tmp_path: Path, sink: Sink, size_bytes: int, mode_name: str
) -> None:
    (tmp_path / "file").write_bytes(b"x" * size_bytes)
    facts, send_file = discovery.import_mode(mode_name)
    listener = sockets.listen("127.0.0.1", 0)
    server = Server(listener, bytes(tmp_path), send_file, Limits(grace_s=0), wrap=discovery.wrapper(facts))
    thread = threading.Thread(target=server.serve)
    thread.start()
    connection, pieces = counted(listener.getsockname(), sink, size_bytes, tls=facts.tls is not None)
    try:
        for _ in range(3):  # over one connection: nothing is left behind that the next would read
            assert connection.download("/file") == size_bytes
        assert sum(pieces) == 3 * size_bytes
    finally:
        connection.close()
        server.stop()
        thread.join()


@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize(
    ("answer", "then", "failure"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "close", failures.WrongStatusError),
        (b"HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\n\r\nabcd", "close", failures.WrongStatusError),
        (OK % 5 + b"abcd", "close", failures.WrongLengthError),
        (b"HTTP/1.1 200 OK\r\n\r\nabcd", "close", failures.WrongLengthError),
        (OK % 4 + b"abcdefgh", "close", failures.WrongLengthError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4\r\nabcd", "close", failures.EncodedError),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nab",
            "close",
            failures.EncodedError,
        ),
        (OK % 4 + b"ab", "close", failures.ShortBodyError),
        (OK % 4, "close", failures.ShortBodyError),
        (OK % 4 + b"ab", "stall", failures.TimedOutError),
        (OK % 4_000_000 + b"x" * 3_000_000, "close", failures.ShortBodyError),
        (OK % 4_000_000 + b"x" * 3_000_000, "stall", failures.TimedOutError),
        (b"", "close", failures.ConnectionLostError),
        (b"HTTP/1.1 200", "close", failures.ConnectionLostError),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "close", failures.BadHeadError),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "stall", failures.BadHeadError),
    ],
)
def test_what_is_wrong_has_a_name(answer: bytes, then: str, failure: type[Exception], sink: Sink) -> None:
    with answering(answer, then) as address:
        expected_bytes = 4_000_000 if len(answer) > 1_000_000 else 4
        connection, _ = counted(address, sink, expected_bytes, timeout_s=0.3)
        with pytest.raises(failure):
            connection.download("/file")


REFUSED = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 44\r\n\r\n"
REASONS = {
    "status 503 Service Unavailable: too many files": REFUSED + b"503 Service Unavailable: too many files\n....",
    "status 503 Service Unavailable": REFUSED + b"\x1b[31m not to be printed, whoever sent these bytes",
    "status 404 Not Found": b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<br>",
    "status 299": b"HTTP/1.1 299 Odd\r\nContent-Length: 0\r\n\r\n",
    "wrong length: 5 bytes are announced, but the file has 4": OK % 5 + b"abcde",
    "the connection ended before the body did": OK % 4 + b"ab",
    "connection lost: the connection ended before the response head did": b"HTTP/1.1",
}


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_is_said_in_words_with_what_the_server_says(reason: str) -> None:
    with answering(REASONS[reason]) as address:
        connection, _ = counted(address, "copy", 4)
        with pytest.raises(failures.DownloadError) as failed:
            connection.download("/file")
    assert failed.value.reason == reason


def test_what_the_operating_system_refuses_has_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    reasons = {
        errno.EMFILE: "no connection: Too many open files; raise the limit on open files (`ulimit -n`)",
        errno.ENETUNREACH: "no connection: Network is unreachable; no route leads there: bring the interface up "
        "(`ip link set lo up` for loopback)",
        errno.ECONNREFUSED: "no connection: Connection refused",
    }
    for number, reason in reasons.items():
        error = OSError(number, os.strerror(number))
        monkeypatch.setattr(socket, "create_connection", partial(_fail, error))
        connection, _ = counted(("127.0.0.1", 9), "copy")
        with pytest.raises(failures.ConnectError) as failed:
            connection.download("/file")
        assert failed.value.reason == reason


def _fail(error: OSError, *_: object) -> None:
    raise error


def test_there_are_never_more_than_a_few_reasons() -> None:
    meter = Meter()
    for number in range(1000):
        meter.add_failure(f"reason {number}")
    assert meter.failures == 1000 and len(meter.failure_names) == MOST_REASONS + 1
    assert meter.failure_names["other reasons"] == 1000 - MOST_REASONS


def test_a_reset_has_a_name() -> None:
    with answering(OK % 4 + b"ab", "reset") as address:
        connection, _ = counted(address, "copy", 4)
        with pytest.raises((failures.ConnectionLostError, failures.ShortBodyError)):
            connection.download("/file")


def test_no_server_is_a_connect_error() -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        address = listener.getsockname()
    connection, _ = counted(address, "discard")
    with pytest.raises(failures.ConnectError):
        connection.download("/file")


def test_after_a_failure_the_next_download_has_a_fresh_connection() -> None:
    with answering(OK % 4 + b"ab") as address:
        connection, pieces = counted(address, "copy", 4)
        for _ in range(2):
            with pytest.raises(failures.ShortBodyError):
                connection.download("/file")
        assert sum(pieces) == 4


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n",  # promises to keep the connection, and closes it while idle: RFC 9112, 9.3.1
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n",
        b"HTTP/1.0 200 OK\r\n",
    ],
)
def test_a_server_may_close_between_two_downloads(head: bytes) -> None:
    with answering(head + b"Content-Length: 4\r\n\r\nabcd") as address:
        connection, pieces = counted(address, "copy", 4)
        assert [connection.download("/file") for _ in range(3)] == [4, 4, 4]
        assert sum(pieces) == 12


def test_a_server_that_went_away_is_not_asked_for_ever() -> None:
    with answering(OK % 4 + b"abcd") as address:
        connection, _ = counted(address, "copy", 4)
        connection.download("/file")
    with pytest.raises(failures.ConnectError):
        connection.download("/file")


def test_an_address_of_ipv6_is_asked_by_its_name_in_brackets() -> None:
    with contextlib.closing(socket.create_server(("::1", 0), family=socket.AF_INET6)) as listener:
        connection = DownloadConnection(listener.getsockname()[:2], "copy", lambda _: None, 4)
        asking = threading.Thread(target=connection.download, args=("/file",))
        asking.start()
        accepted, _ = listener.accept()
        assert f"Host: [::1]:{listener.getsockname()[1]}\r\n".encode() in accepted.recv(4096)
        accepted.sendall(OK % 4 + b"abcd")
        asking.join()
        accepted.close()
        connection.close()
