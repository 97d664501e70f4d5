"""What TLS adds to a connection, beyond what every mode is tested for (test_downloads.py, test_modes.py)."""

import contextlib
import os
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from profiles.contract.subject import connected_pair
from servers import discovery
from servers.mechanisms import tls
from servers.server import Limits
from tests.conftest import eventually
from tests.servers.conftest import Serve
from tests.servers.probe import why_missing
from tests.servers.process import ServerProcess
from tests.servers.raw import Connection, get, tls_context

FACTS, SEND_FILE = discovery.import_mode("tls-send")


def plain(port: int) -> socket.socket:
    """A plain TCP connection."""
    return socket.create_connection(("127.0.0.1", int(port)), 20)  # getaddrinfo() takes no subclass of int


def peek(sock: socket.socket) -> bytes:
    """What came over the wire, below TLS."""
    return socket.socket.recv(sock, 1 << 16, socket.MSG_PEEK)


def test_the_wire_carries_no_byte_of_the_file(serve: Serve, content: bytes) -> None:
    with serve(SEND_FILE) as running, Connection(running.port) as connection:
        assert isinstance(connection.sock, ssl.SSLSocket)
        assert connection.sock.version() == "TLSv1.3"
        connection.sock.sendall(b"GET /file.bin HTTP/1.1\r\nHost: test\r\n\r\n")
        eventually(lambda: len(peek(connection.sock)) == 1 << 16)
        raw = peek(connection.sock)
        assert not any(content[at : at + 16] in raw for at in range(0, 1 << 16, 4096))
        assert connection.response().body == content


def test_its_certificate_is_valid_for_this_machine(serve: Serve) -> None:
    context = ssl.create_default_context(cafile=str(tls.CERTIFICATE))
    with (
        serve(SEND_FILE) as running,
        plain(running.port) as sock,
        context.wrap_socket(sock, server_hostname="127.0.0.1") as trusted,
    ):
        assert trusted.getpeercert()


def test_a_connection_ends_with_a_close_notify(serve: Serve) -> None:
    """An end without it would be an error of this client."""
    with serve(SEND_FILE) as running, plain(running.port) as sock:
        connection = tls_context().wrap_socket(sock, suppress_ragged_eofs=False)
        connection.sendall(b"GET /one HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        assert received.endswith(b"\r\n\r\n1")


NOISE = (b"GET / HTTP/1.1\r\nHost: test\r\n\r\n", b"\x16\x03\x01\xff\xff", b"\0" * 4096, b"")


def test_peers_that_speak_no_tls_are_sent_away_without_a_line(
    servers: Callable[..., ServerProcess], root: Path, content: bytes
) -> None:
    """A line for each would let them fill a disk."""
    process = servers("tls-send", "--port", "0", "--root", root)
    port = process.ready_port()
    for noise in NOISE:
        with plain(port) as sock:
            sock.sendall(noise)
            with contextlib.suppress(OSError):  # it was sent away already
                sock.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                while sock.recv(1 << 16):  # an alert, perhaps
                    pass
    assert get(port).body == content
    assert process.errors().count("\n") == 1


def test_a_handshake_that_does_not_come_ends_after_the_head_time_out(serve: Serve) -> None:
    with serve(SEND_FILE, Limits(head_timeout_s=0.2, idle_timeout_s=0.2, grace_s=0.0)) as running:
        with plain(running.port) as silent:
            assert silent.recv(1) == b""
        with plain(running.port) as slow:
            slow.sendall(b"\x16\x03\x01")  # a record that never gets on
            assert slow.recv(1) == b""


def test_a_peer_that_takes_nothing_ends_after_the_send_time_out(serve: Serve, root: Path) -> None:
    (root / "large").touch()
    os.truncate(root / "large", 64 << 20)
    limits = Limits(send_timeout_s=0.2, grace_s=0.0)
    with serve(SEND_FILE, limits) as running, Connection(running.port, receive_buffer_bytes=4096) as stuck:
        stuck.sock.sendall(b"GET /large HTTP/1.1\r\nHost: test\r\n\r\n")
        stuck.wait_until_reset()


def test_without_the_kernels_module_kernel_tls_is_refused_and_not_faked(tmp_path: Path) -> None:
    """A socket with OpenSSL's own encryption is never given to sendfile(), which would send plain text."""
    (tmp_path / "file").write_bytes(b"secret" * 1000)
    server, client = connected_pair(FACTS)
    with server, client, (tmp_path / "file").open("rb") as file:
        with pytest.raises(OSError, match=r"tls module|no keys"):
            discovery.import_mode("ktls-sendfile")[1](server, file.fileno(), 0, 6000)
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_where_the_kernel_cannot_encrypt_the_answer_says_so_before_it_promises_a_body(
    servers: Callable[..., ServerProcess], root: Path
) -> None:
    if why_missing("ktls-sendfile") is None:
        pytest.skip("this kernel can encrypt: there is nothing to be said")
    process = servers("ktls-sendfile", "--port", "0", "--root", root)
    response = get(process.ready_port())
    assert (response.status, response.headers["connection"]) == (501, "close")
    assert b"this machine lacks what this data path needs: " in response.body
    assert process.errors().count("\n") == 1


def test_a_client_may_go_in_the_middle_of_the_handshake(serve: Serve, content: bytes) -> None:
    with serve(SEND_FILE) as running:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        hello = tls_context().wrap_bio(incoming, outgoing)
        with pytest.raises(ssl.SSLWantReadError):
            hello.do_handshake()
        for _ in range(5):
            with plain(running.port) as sock:
                sock.sendall(outgoing.read(100) or b"\x16")
        eventually(lambda: get(running.port).body == content)


def test_urls_of_https_are_served_and_those_of_http_are_not(serve: Serve, content: bytes) -> None:
    """RFC 9112 section 3.2.2 and RFC 9110 section 7.4; on a plain connection it is the other way round."""
    with serve(SEND_FILE) as running:
        assert get(running.port, "https://files.example/file.bin").body == content
        assert get(running.port, "http://files.example/file.bin").status == 421
