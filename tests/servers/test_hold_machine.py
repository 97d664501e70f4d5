"""A machine in trouble: no memory, no room for a server's lines, a server stopped for a while, a clock that jumps.

The server goes on for all other peers, and afterwards.
"""

import errno
import fcntl
import hashlib
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from servers import discovery, server, sockets
from servers.server import Limits
from tests.conftest import eventually
from tests.servers.conftest import Serve
from tests.servers.probe import now_or_slow, skip_if_missing
from tests.servers.process import ServerProcess
from tests.servers.raw import Connection, get, head

Servers = Callable[..., ServerProcess]

SENDFILE = discovery.import_mode("sendfile")[1]
LARGE_BYTES = (8 << 20) + 1003  # more than the kernel keeps for a peer that does not read


class TroubledListener(socket.socket):
    """accept(2) fails with these errors first."""

    troubles: tuple[int, ...] = ()

    def _accept(self) -> tuple[int, object]:
        if self.troubles:
            number, *rest = self.troubles
            self.troubles = tuple(rest)
            raise OSError(number, os.strerror(number))
        accepted: tuple[int, object] = super()._accept()  # type: ignore[misc]
        return accepted


@pytest.mark.parametrize("number", [errno.ENOBUFS, errno.ENOMEM, errno.EPROTO, errno.EPERM, errno.ENETDOWN])
def test_what_fails_for_one_connection_ends_no_server(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, content: bytes, number: int
) -> None:
    """accept(2): errors of the network that are pending on a connection come out of accept()."""
    plain_listen = sockets.listen

    def listen(host: str, port: int) -> socket.socket:
        listener = TroubledListener(fileno=plain_listen(host, port).detach())
        listener.setblocking(False)
        listener.troubles = (number, number)
        return listener

    monkeypatch.setattr(sockets, "listen", listen)
    with serve(SENDFILE) as running:
        assert get(running.port).body == content


@pytest.mark.parametrize("dies", [False, True], ids=["refused", "dies of a lack of memory"])
def test_a_thread_that_cannot_be_had_costs_one_connection(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, content: bytes, dies: bool
) -> None:
    def start_no_thread(_target: object, _arguments: object) -> None:
        if not dies:
            raise RuntimeError("can't start new thread")

    with serve(SENDFILE, Limits(connections=1, grace_s=0.0)) as running:
        with monkeypatch.context() as patched:
            patched.setattr(server, "_thread", SimpleNamespace(start_new_thread=start_no_thread))
            with Connection(running.port) as connection:
                connection.sock.sendall(head())
                assert connection.ended() if dies else connection.response().status == HTTPStatus.SERVICE_UNAVAILABLE
        assert get(running.port).body == content


@pytest.mark.parametrize(
    ("number", "status"), [(errno.ENOMEM, 503), (errno.EMFILE, 503), (errno.EPERM, 501), (errno.ENOSYS, 501)]
)
def test_what_a_mode_needs_and_cannot_have_is_said_before_a_body_is_promised(
    serve: Serve, content: bytes, number: int, status: int
) -> None:
    refusals = [OSError(number, os.strerror(number))]

    def refuse_once(_sock: socket.socket) -> None:
        if refusals:
            raise refusals.pop()

    with serve(SENDFILE, require=refuse_once) as running:
        response = get(running.port)
        assert (response.status, response.headers["connection"]) == (status, "close")
        assert os.strerror(number).encode() in response.body
        assert get(running.port).body == content


def test_a_disk_that_fails_in_mid_body_ends_the_connection(serve: Serve, content: bytes) -> None:
    broken = [True]

    def fails_once(sock: socket.socket, fd: int, offset: int, count: int) -> None:
        if broken:
            broken.clear()
            SENDFILE(sock, fd, offset, count // 2)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        SENDFILE(sock, fd, offset, count)

    with serve(fails_once) as running:
        with Connection(running.port) as connection:
            response = connection.get()
            assert response.body == content[: len(content) // 2]
            assert connection.ended()
        assert get(running.port).body == content


@pytest.fixture(params=["a full disk", "a pipe that nobody reads"])
def nowhere(request: pytest.FixtureRequest) -> Iterator[int]:
    """A descriptor that takes no more bytes."""
    if request.param == "a full disk":
        with open("/dev/full", "wb") as full:  # noqa: PTH123  # a device
            yield full.fileno()
        return
    reading, writing = os.pipe()
    os.write(writing, bytes(fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ)))
    yield writing
    os.close(reading)
    os.close(writing)


def test_lines_that_cannot_be_written_stop_nobody(servers: Servers, root: Path, content: bytes, nowhere: int) -> None:
    process = servers("sendfile", "--port", "0", "--root", root, stderr=nowhere)
    port = process.ready_port()
    before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    watched = psutil.Process(process.pid)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (watched.num_fds(), before[1]))
    waits = watched.num_ctx_switches().voluntary
    with Connection(port) as connection:
        connection.sock.sendall(head())  # cannot be accepted, of which a line is said
        eventually(lambda: watched.num_ctx_switches().voluntary > waits)  # it waits now, for one thing or another
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)
        assert connection.response().body == content
    assert process.end() == 0


@now_or_slow("sendfile", "read-send", "stdlib-sendfile", "uring-splice", "zerocopy-send")
def test_a_server_that_is_stopped_and_goes_on_loses_nothing(
    servers: Servers, root: Path, content: bytes, mode_name: str
) -> None:
    """As by a debugger, a profiler or Ctrl-Z: calls with a time-out end with EINTR then, signal(7)."""
    skip_if_missing(mode_name)
    large = (content * 9)[:LARGE_BYTES]
    (root / "large").write_bytes(large)
    process = servers(mode_name, "--port", "0", "--root", root)
    with Connection(process.ready_port(), receive_buffer_bytes=16 << 10) as connection:
        connection.sock.sendall(head("/large"))
        _, headers = connection.response_head()
        assert int(headers["content-length"]) == LARGE_BYTES
        received = b""
        for _ in range(8):
            process.process.send_signal(signal.SIGSTOP)
            eventually(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
            process.process.send_signal(signal.SIGCONT)
            received += connection.body(100_000)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        received += connection.body(LARGE_BYTES - len(received))
        assert len(received) == LARGE_BYTES and hashlib.sha256(received).digest() == hashlib.sha256(large).digest()
        assert connection.get("/one").body == b"1"
    assert process.errors().count("\n") == 1


def test_a_clock_that_jumps_harms_no_answer(serve: Serve, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    with serve(SENDFILE) as running, Connection(running.port) as connection:
        for now_s, year in ((0.0, "1970"), (2.0**32, "2106"), (1e9, "2001")):
            monkeypatch.setattr(time, "time", lambda now_s=now_s: now_s)
            response = connection.get()
            assert response.body == content
            assert response.headers["date"].split()[3] == year


def test_a_flood_of_requests_whose_answers_nobody_takes_is_reset(serve: Serve, content: bytes) -> None:
    """Answers without a body too: the kernel would keep them, and try to send them, for many minutes."""
    flood = head("/one", method="HEAD") * 1000
    with (
        serve(SENDFILE, Limits(send_timeout_s=0.3, grace_s=0.0)) as running,
        Connection(running.port, receive_buffer_bytes=4096) as connection,
    ):
        connection.sock.setblocking(False)
        eventually(lambda: cannot_send(connection.sock, flood))
        connection.wait_until_reset()
        assert get(running.port).body == content


def cannot_send(sock: socket.socket, data: bytes) -> bool:
    """Whether the other side takes no more for now, or has gone; some of this is sent otherwise."""
    try:
        while True:
            sock.send(data)
    except (BlockingIOError, ConnectionError):
        return True
