"""A signal in mid-download, for every mode: the download completes within the grace, and no process stays behind."""

import contextlib
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from servers import discovery
from tests.conftest import eventually
from tests.servers.probe import now_or_slow, skip_if_missing, why_missing
from tests.servers.process import ServerProcess
from tests.servers.raw import Connection, get, head
from tests.servers.test_process import gone, refuses

Servers = Callable[..., ServerProcess]

LARGE_BYTES = 8 << 20  # more than the kernel keeps for a peer that does not read


def begin(port: int) -> Connection:
    """A download of which little more than the head has been read."""
    connection = Connection(port, receive_buffer_bytes=16 << 10)
    connection.sock.sendall(head("/large"))
    connection.response_head()
    return connection


def whole_after(number: signal.Signals, process: ServerProcess, port: int) -> bool:
    """Whether a download completed that was under way when the process got this signal, which has ended it."""
    with begin(port) as connection:
        process.process.send_signal(number)
        eventually(lambda: refuses(int(port)))
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)  # fast now: the grace is short
        body = connection.body(LARGE_BYTES)
        assert connection.ended()
    assert process.wait() == (-number if number == signal.SIGKILL else 0)
    return len(body) == LARGE_BYTES


@now_or_slow("sendfile", "read-send", "asyncio-sendfile")
def test_a_signal_in_mid_download_leaves_the_port_free_and_nobody_behind(
    servers: Servers, root: Path, large: Path, mode_name: str
) -> None:
    skip_if_missing(mode_name)
    port = 0
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        process = servers(mode_name, "--port", str(port), "--root", root)
        port = process.ready_port()
        assert get(port, "/one").body == b"1"
        assert whole_after(number, process, port) is (number != signal.SIGKILL)
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)  # a session of its own: nobody of it is left
        assert process.errors().count("\n") == 1


@pytest.mark.slow
def test_killing_the_parent_in_mid_download_leaves_no_orphan(servers: Servers, root: Path, large: Path) -> None:
    process = servers("--port", "0", "--root", root)
    ports = process.ready_ports(len(discovery.names()))
    children = process.children()
    with contextlib.ExitStack() as stack:
        for name, port in ports.items():
            if why_missing(name) is None:
                stack.enter_context(begin(port))
        process.end(signal.SIGKILL)
        eventually(lambda: gone(children))
    assert all(refuses(int(port)) for port in ports.values())
