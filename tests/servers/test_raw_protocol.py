"""PROTOCOL=raw: whoever connects gets the test file, and the connection closes. The course's client needs no more."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from servers import cli, discovery, files, payload, raw, sockets
from servers.mode import SendFile
from servers.server import Limits, Server
from tests.conftest import PROJECT
from tests.servers.probe import skip_if_missing
from tests.servers.process import ServerProcess

SIZE_BYTES = 3_000_017
CLIENT = PROJECT / "tests" / "course" / "client.py"
WITHOUT_TLS = [name for name, facts in discovery.discover().items() if facts.tls is None]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    payload.make(tmp_path, SIZE_BYTES, lambda _: None)
    return tmp_path


@contextlib.contextmanager
def serving(root: Path, send_file: SendFile, limits: Limits | None = None) -> Iterator[int]:
    """The port of a raw server in this process."""
    listener = sockets.listen("127.0.0.1", 0)
    server = Server(listener, files.resolve_root(root), send_file, limits or Limits(grace_s=0.0), protocol="raw")
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.stop()
        thread.join()
        server.close()


def sendfile() -> SendFile:
    return discovery.import_mode("sendfile")[1]


def received(port: int, said: bytes = b"") -> bytes:
    """All that comes until the connection ends. Raises ConnectionResetError where it is reset."""
    with socket.create_connection(("127.0.0.1", port), 20.0) as sock:
        sock.sendall(said)
        return b"".join(iter(lambda: sock.recv(1 << 20), b""))


def course_client(port: int, size_bytes: int = SIZE_BYTES) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CLIENT), str(port), str(size_bytes), "3"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.parametrize("name", WITHOUT_TLS)
def test_whoever_connects_gets_the_file_by_every_data_path(root: Path, name: str) -> None:
    skip_if_missing(name)
    with serving(root, discovery.import_mode(name)[1]) as port:
        for _ in range(2):
            assert received(port) == (root / payload.NAME).read_bytes()


def test_what_the_peer_says_does_not_matter(root: Path) -> None:
    with serving(root, sendfile()) as port:
        assert received(port, b"GET /other HTTP/1.1\r\n\r\n") == (root / payload.NAME).read_bytes()


def test_the_courses_client_downloads_from_our_servers(servers: Callable[..., ServerProcess], root: Path) -> None:
    process = servers("read-send", "sendfile", "--protocol", "raw", "--port", "0", "--root", root)
    ports = process.raw_ports(2)
    for port in ports.values():
        done = course_client(port)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("Time taken: ") and done.stdout.endswith(" seconds\n")
    assert process.end() == 0
    assert "Traceback" not in process.errors()


def test_who_starts_them_is_told_the_addresses_and_what_downloads_from_them(
    servers: Callable[..., ServerProcess], root: Path
) -> None:
    process = servers("read-send", "sendfile", "--protocol", "raw", "--port", "0", "--root", root)
    ports = process.raw_ports(2)
    said = [process.line() for _ in range(5)]
    assert said[1:4] == [
        "next, in another terminal:",
        f"  python3 benchmark_client.py read-send --port {ports['read-send']} --protocol raw",
        f"  nc 127.0.0.1 {ports['read-send']} > /dev/null",
    ]
    assert said[4] == "the course's own client waits for 1 GiB, and with another file for ever: SIZE=1GiB"


def test_a_file_that_shrinks_ends_in_a_reset_and_is_not_taken_for_whole(root: Path) -> None:
    def shrinking(sock: socket.socket, fd: int, offset: int, count: int, **_: int) -> None:
        os.truncate(root / payload.NAME, 1000)
        sock.sendall(bytes(count))

    with serving(root, shrinking) as port, pytest.raises(ConnectionResetError):
        received(port)


def test_a_file_that_is_gone_ends_in_a_reset(root: Path) -> None:
    with serving(root, sendfile()) as port:
        (root / payload.NAME).unlink()
        with pytest.raises(ConnectionResetError):
            received(port)


def test_where_all_connections_are_in_use_nothing_is_sent(root: Path) -> None:
    os.truncate(root / payload.NAME, 64 << 20)
    limits = Limits(connections=1, grace_s=0.0)
    with serving(root, sendfile(), limits) as port, socket.create_connection(("127.0.0.1", port), 20.0) as first:
        first.recv(1)
        assert received(port) == b""


def test_a_stop_lets_a_download_finish(root: Path) -> None:
    os.truncate(root / payload.NAME, 64 << 20)
    arrived: list[int] = []

    def drain(sock: socket.socket) -> None:
        arrived.extend(len(piece) for piece in iter(lambda: sock.recv(1 << 20), b""))

    with serving(root, sendfile(), Limits(grace_s=20.0)) as port:
        sock = socket.create_connection(("127.0.0.1", port), 20.0)
        first = sock.recv(1)
        draining = threading.Thread(target=drain, args=(sock,))
        draining.start()
    draining.join()
    sock.close()
    assert len(first) + sum(arrived) == 64 << 20


def test_what_cannot_be_sent_raw_is_said_before_anything_starts(tmp_path: Path) -> None:
    from errors import UserError

    with pytest.raises(UserError, match="tls-send encrypts, and PROTOCOL=raw sends the file as it is"):
        cli.parse(["tls-send", "--protocol=raw"])
    with pytest.raises(UserError, match=r"PROTOCOL=raw sends .*test-file.bin, but there is no such file: give a SIZE"):
        raw.require_file(bytes(tmp_path))
    chosen = cli.parse(["--protocol=raw"]).modes
    assert list(chosen) == WITHOUT_TLS


def test_it_is_the_test_file_that_is_sent() -> None:
    assert b"/" + payload.NAME.encode() == raw.PATH
