"""One server process holds thousands of connections: nothing is lost, and what each costs in memory is stated.

The test prints it (`pytest -s`). With Linux 6.18, Python 3.11 and sendfile 2,000 downloads at once held 26 KiB each,
most of it the touched part of a thread's stack of 512 KiB.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from servers.server import Limits
from tests.conftest import eventually
from tests.servers import footprint, many
from tests.servers.process import ServerProcess
from tests.servers.raw import get, head

Servers = Callable[..., ServerProcess]

STACK_BYTES = 512 << 10


@pytest.mark.parametrize("downloads", [100, pytest.param(2000, marks=pytest.mark.slow)])
def test_downloads_at_once_lose_nothing(
    servers: Servers, root: Path, content: bytes, record_property: Callable[[str, object], None], downloads: int
) -> None:
    process = servers("sendfile", "--port", "0", "--root", root)
    port = process.ready_port()
    before = footprint.of(process.pid)
    with many.connections(port, downloads, receive_buffer_bytes=16 << 10) as socks:
        for sock in socks:
            sock.sendall(head())
        many.wait_for_answers(socks, downloads)
        during = footprint.of(process.pid)
        assert during.threads == before.threads + downloads  # every one is being answered, and none has been read from
        assert many.receive_all(socks, content) == downloads
    each_bytes = (during.resident_bytes - before.resident_bytes) / downloads
    record_property("resident_bytes_per_connection", each_bytes)
    print(f"{each_bytes / 1024:.1f} KiB of memory per connection")
    assert each_bytes < STACK_BYTES / 4
    footprint.back_to(process.pid, before, slack_bytes=64 << 20)
    assert get(port).body == content
    assert process.errors().count("\n") == 1


@pytest.mark.parametrize(
    ("idle", "limit"), [(500, 100), pytest.param(10_000, Limits().connections, marks=pytest.mark.slow)]
)
def test_idle_connections_are_held_or_refused(servers: Servers, root: Path, idle: int, limit: int) -> None:
    process = servers("sendfile", "--port", "0", "--root", root, "--connections", str(limit))
    port = process.ready_port()
    before = footprint.of(process.pid)
    with many.connections(port, idle) as socks:
        refused = set(many.wait_for_answers(socks, idle - limit))
        assert all(sock.recv(4096).startswith(b"HTTP/1.1 503 ") for sock in refused)
        held = [sock for sock in socks if sock not in refused]
        assert len(held) == limit
        # A few at a time: threads that all want the GIL at once wake each other every 5 ms, and answer for minutes.
        for some in (held[start : start + 50] for start in range(0, limit, 50)):
            for sock in some:
                sock.sendall(head("/one"))
            assert many.receive_all(some, b"1") == len(some)
    eventually(lambda: get(port, "/one").status == 200)
    footprint.back_to(process.pid, before, slack_bytes=64 << 20)
    assert process.errors().count("\n") == 1
