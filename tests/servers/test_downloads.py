"""Every mode sends the right bytes over real sockets, also to slow, rude and vanishing peers."""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from servers.mode import SendFile
from tests.conftest import eventually
from tests.servers import footprint
from tests.servers.conftest import FILE_BYTES, Serve
from tests.servers.raw import Connection, Response, TlsPort, get, head

MIB = 1 << 20
LARGE_BYTES = 32 * MIB  # more than the kernel keeps for a peer that does not read


@contextlib.contextmanager
def no_thread_left_behind() -> Iterator[None]:
    before = footprint.of(os.getpid()).threads
    yield
    eventually(lambda: footprint.of(os.getpid()).threads <= before)


def test_a_whole_file_arrives(port: int, content: bytes) -> None:
    response = get(port)
    assert response.status == 200
    assert response.promised_bytes == FILE_BYTES
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.body == content


@pytest.mark.parametrize(("path", "expected"), [("/empty", b""), ("/one", b"1")])
def test_the_smallest_files_arrive(port: int, path: str, expected: bytes) -> None:
    with Connection(port) as connection:
        for _ in range(3):
            response = connection.get(path)
            assert (response.status, response.promised_bytes, response.body) == (200, len(expected), expected)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("0-0", 0, 0),
        ("1-262145", 1, 262_145),
        ("1000002-", FILE_BYTES - 1, FILE_BYTES - 1),
        ("500000-", 500_000, FILE_BYTES - 1),
        ("-7", FILE_BYTES - 7, FILE_BYTES - 1),
        ("-99999999", 0, FILE_BYTES - 1),
        ("999999-99999999", 999_999, FILE_BYTES - 1),
    ],
)
def test_a_range_arrives(port: int, content: bytes, asked: str, first: int, last: int) -> None:
    response = get(port, "/file.bin", f"Range: bytes={asked}")
    assert response.status == 206
    assert response.headers["content-range"] == f"bytes {first}-{last}/{FILE_BYTES}"
    assert response.promised_bytes == last - first + 1
    assert response.body == content[first : last + 1]


@pytest.mark.parametrize(("path", "asked"), [("/file.bin", "1000003-"), ("/file.bin", "-0"), ("/empty", "0-0")])
def test_a_range_behind_the_end_is_416(port: int, path: str, asked: str) -> None:
    with Connection(port) as connection:
        response = connection.get(path, f"Range: bytes={asked}")
        assert response.status == 416
        assert response.headers["content-range"] == f"bytes */{FILE_BYTES if path == '/file.bin' else 0}"
        assert connection.get("/one").body == b"1"  # the connection lives on


def test_several_ranges_mean_the_whole_file(port: int, content: bytes) -> None:
    response = get(port, "/file.bin", "Range: bytes=0-1,5-6")
    assert (response.status, response.body) == (200, content)


def test_head_promises_what_get_sends(port: int) -> None:
    with Connection(port) as connection:
        for path in ("/file.bin", "/empty", "/absent"):
            told = connection.get(path, method="HEAD")
            sent = connection.get(path)
            assert told.status == sent.status
            assert told.body == b""
            assert told.promised_bytes == len(sent.body)


def test_an_error_has_no_body_when_the_same_head_is_asked_for_again(port: int) -> None:
    """The head that is known is that of HEAD, whatever was refused in between."""
    with Connection(port) as connection:
        assert connection.get("/absent", method="HEAD").status == 404
        assert connection.get("/absent", method="POST").status == 405
        assert connection.get("/absent", method="HEAD").status == 404
        assert connection.get("/one").body == b"1"


def test_a_connection_is_kept(port: int, content: bytes) -> None:
    with Connection(port) as connection:
        for number in range(20):
            response = connection.get("/file.bin", f"Range: bytes={number}-{number + 999}")
            assert response.headers["connection"] == "keep-alive"
            assert response.body == content[number : number + 1000]


def test_three_downloads_over_one_connection(port: int, content: bytes) -> None:
    with Connection(port) as connection:
        for _ in range(3):
            assert connection.get().body == content
        assert connection.get("/file.bin", "Range: bytes=4097-12290").body == content[4097:12291]


def test_pipelined_requests_are_answered_in_order(port: int, content: bytes) -> None:
    with Connection(port) as connection:
        connection.sock.sendall(
            head("/file.bin") + head("/one") + head("/absent") + head("/file.bin", method="HEAD") + head("/one")
        )
        assert connection.response().body == content
        assert connection.response().body == b"1"
        assert connection.response().status == 404
        assert connection.response(with_body=False).promised_bytes == FILE_BYTES
        assert connection.response().body == b"1"


@pytest.mark.parametrize(
    ("version", "headers", "kept"),
    [
        ("HTTP/1.1", [], True),
        ("HTTP/1.1", ["Connection: close"], False),
        ("HTTP/1.0", [], False),
        ("HTTP/1.0", ["Connection: keep-alive"], True),
    ],
)
def test_a_connection_is_closed_when_the_peer_wants_it(
    any_port: int, version: str, headers: list[str], kept: bool
) -> None:
    with Connection(any_port) as connection:
        response = connection.get("/one", *headers, version=version)
        assert response.body == b"1"
        assert response.headers["connection"] == ("keep-alive" if kept else "close")
        if kept:
            assert connection.get("/one", *headers, version=version).body == b"1"
        else:
            assert connection.ended()


def test_the_last_answer_arrives_though_the_peer_goes_on_sending(port: int, content: bytes) -> None:
    with Connection(port) as connection:
        connection.sock.sendall(head("/file.bin", "Connection: close") + head("/one") * 1000)
        assert connection.response().body == content
        assert connection.ended()


def test_a_peer_that_closes_its_side_is_still_answered(port: int, content: bytes) -> None:
    with Connection(port) as connection:
        connection.sock.sendall(head())
        connection.finish_sending()
        assert connection.response().body == content
        assert connection.ended()


def test_head_and_body_leave_together(port: int) -> None:
    """In one segment: waiting for the head's acknowledgement would cost 44 ms per request."""
    if isinstance(port, TlsPort):
        pytest.skip("over TLS head and body are records of their own, received one by one")
    arrived = []
    for _ in range(5):
        with Connection(port) as connection:
            connection.sock.sendall(head("/one"))
            arrived.append(connection.sock.recv(1 << 16))
    assert any(data.endswith(b"\r\n\r\n1") for data in arrived)  # a stalled machine may part them now and then


def test_a_slow_reader_gets_every_byte(port: int, content: bytes) -> None:
    with Connection(port, receive_buffer_bytes=4096) as connection:
        connection.sock.sendall(head())
        status, headers = connection.response_head()
        assert (status, int(headers["content-length"])) == (200, FILE_BYTES)
        parts = [connection.body(min(977, FILE_BYTES - at)) for at in range(0, FILE_BYTES, 977)]
        assert b"".join(parts) == content


def test_a_reset_in_mid_body_hurts_nobody_else(port: int, large: Path, content: bytes) -> None:
    with no_thread_left_behind(), Connection(port) as patient:
        assert patient.get("/one").body == b"1"
        for _ in range(10):
            rude = Connection(port)
            rude.sock.sendall(head("/large"))
            rude.response_head()
            rude.reset()
        assert patient.get("/file.bin").body == content
        assert get(port).body == content
        patient.sock.close()


def test_many_downloads_at_once_do_not_mix(port: int, content: bytes) -> None:
    results: dict[int, Response] = {}

    def download(number: int) -> None:
        results[number] = get(port, "/file.bin", f"Range: bytes={number * 1000}-")

    threads = [threading.Thread(target=download, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(results[number].body == content[number * 1000 :] for number in range(24))


@pytest.mark.parametrize("left_bytes", [0, 1, 8192])
def test_a_file_that_shrinks_before_it_is_sent_ends_the_connection(
    serve: Serve, root: Path, content: bytes, send_file: SendFile, left_bytes: int
) -> None:
    def shrinking(sock: socket.socket, fd: int, offset: int, count: int) -> None:
        os.truncate(root / "file.bin", left_bytes)
        send_file(sock, fd, offset, count)

    with serve(shrinking) as running, Connection(running.port) as connection:
        response = connection.get()
        assert response.promised_bytes == FILE_BYTES  # never short with success, never padded
        assert content[:left_bytes].startswith(response.body)
        assert connection.ended()
        assert get(running.port, "/one").body == b"1"


def test_a_file_that_grows_is_sent_as_long_as_it_was_promised(
    serve: Serve, root: Path, content: bytes, send_file: SendFile
) -> None:
    def growing(sock: socket.socket, fd: int, offset: int, count: int) -> None:
        with (root / "file.bin").open("ab") as file:
            file.write(b"more")
        send_file(sock, fd, offset, count)

    with serve(growing) as running, Connection(running.port) as connection:
        assert connection.get().body == content
        assert connection.get().body == content + b"more"


def test_options_of_a_mode_reach_it(serve: Serve, content: bytes) -> None:
    from servers.modes import read_send

    with serve(partial(read_send.send_file, chunk=1, buffer_offset=17)) as running:
        assert get(running.port, "/file.bin", "Range: bytes=5-300").body == content[5:301]
