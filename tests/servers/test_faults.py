"""Bad requests, limits and time-outs: what all modes share, so one mode is enough."""

import os
import socket
from http import HTTPStatus

import pytest

from servers import discovery
from servers.http.request_head import MAX_HEAD_BYTES
from servers.server import Limits
from tests.conftest import eventually
from tests.servers.conftest import Serve
from tests.servers.raw import Connection, get, head

SENDFILE = discovery.import_mode("sendfile")[1]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"noise\r\n\r\n", 400),
        (b"\x16\x03\x01\x00\xee\x01\x00", 400),
        (b"GET /one HTTP/1.1\r\n\r\n", 400),
        (b"GET /one HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /one HTTP/1.1\nHost: a\n\n", 400),
        (b"GET /one HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 400),
        (b"GET /one\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /one HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"GET /one HTTP/1.1\r\nHost: a\r\nX: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * MAX_HEAD_BYTES + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"x" * (1 << 20), 414),
    ],
)
def test_a_bad_head_is_answered_and_the_connection_closed(any_port: int, data: bytes, status: int) -> None:
    with Connection(any_port) as connection:
        connection.sock.sendall(data)
        response = connection.response()
        assert response.status == status
        assert response.headers["connection"] == "close"
        assert response.body.startswith(f"{status} {HTTPStatus(status).phrase}: ".encode())
        assert connection.ended()
    assert get(any_port, "/one").body == b"1"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_another_method_is_405_and_says_what_is_allowed(any_port: int, method: str) -> None:
    response = get(any_port, "/one", method=method)
    assert (response.status, response.headers["allow"]) == (405, "GET, HEAD")


def test_a_body_behind_another_method_is_not_taken_for_a_request(any_port: int) -> None:
    with Connection(any_port) as connection:
        body = head("/one")
        connection.sock.sendall(head("/one", f"Content-Length: {len(body)}", method="POST") + body)
        assert connection.response().status == 405
        assert connection.ended()


def test_after_a_method_without_a_body_the_connection_lives_on(any_port: int) -> None:
    with Connection(any_port) as connection:
        assert connection.get("/one", method="DELETE").status == 405
        assert connection.get("/one").body == b"1"


@pytest.mark.parametrize("begun", [b"G", b"GET /one HTTP/1.1\r\n", b"GET /one HTTP/1.1\r\nHost: a\r\n\r"])
def test_a_head_that_comes_too_slowly_is_408(serve: Serve, begun: bytes) -> None:
    with serve(SENDFILE, Limits(head_timeout_s=0.1, idle_timeout_s=60.0)) as running, Connection(running.port) as slow:
        slow.sock.sendall(begun)
        response = slow.response()
        assert (response.status, response.headers["connection"]) == (408, "close")
        assert slow.ended()


def test_a_head_that_drips_in_is_408(serve: Serve) -> None:
    with serve(SENDFILE, Limits(head_timeout_s=0.2, idle_timeout_s=60.0)) as running, Connection(running.port) as slow:
        slow.sock.sendall(b"GET /one HTTP/1.1\r\nX: ")
        slow.sock.setblocking(False)

        def answered() -> bool:
            slow.sock.send(b"x")
            try:
                return slow.sock.recv(1 << 16, socket.MSG_PEEK).startswith(b"HTTP/1.1 408 ")
            except BlockingIOError:
                return False

        eventually(answered)


def test_an_idle_connection_is_closed_without_a_word(serve: Serve) -> None:
    with serve(SENDFILE, Limits(idle_timeout_s=0.1)) as running:
        with Connection(running.port) as silent:
            assert silent.ended()
        with Connection(running.port) as done:
            assert done.get("/one").body == b"1"
            assert done.ended()


def test_beyond_the_limit_of_connections_is_503(serve: Serve) -> None:
    with serve(SENDFILE, Limits(connections=2)) as running:
        first, second = Connection(running.port), Connection(running.port)
        assert first.get("/one").body == second.get("/one").body == b"1"
        for _ in range(3):
            with Connection(running.port) as third:
                response = third.response()
                assert (response.status, response.headers["retry-after"]) == (503, "1")
                assert b"all 2 connections are in use" in response.body
                assert third.ended()
        assert first.get("/one").body == b"1"
        first.sock.close()
        eventually(lambda: get(running.port, "/one").status == 200)
        second.sock.close()


def test_stopping_ends_idle_connections_and_frees_the_port(serve: Serve) -> None:
    with serve(SENDFILE, Limits(grace_s=60.0)) as running:
        connections = [Connection(running.port) for _ in range(3)]
        assert connections[0].get("/one").body == b"1"
        running.server.stop()
        running.server.stop()
        running.thread.join(20.0)
        assert not running.thread.is_alive()
        assert all(connection.ended() for connection in connections)
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", running.port))


def test_a_lifeline_that_ends_stops_the_server_at_once() -> None:
    from pathlib import Path

    from servers import files, sockets
    from servers.server import Server

    lifeline, held = os.pipe()
    listener = sockets.listen("127.0.0.1", 0)
    server = Server(listener, files.resolve_root(Path("/")), SENDFILE, Limits(), lifeline)
    os.close(held)
    server.serve()
    server.close()
    os.close(lifeline)
