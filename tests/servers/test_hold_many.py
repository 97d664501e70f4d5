"""One server process holds thousands of connections: nothing is lost, and what each costs in memory is stated.

The test prints it (`pytest -s`). With Linux 6.18, Python 3.11 and sendfile 2,000 downloads at once held 26 KiB each,
most of it the touched part of a thread's stack of 512 KiB.
"""

from collections.abc import Callable
from pathlib import Path

from servers.server import Limits
from tests.conftest import eventually
from tests.servers import crowd, footprint
from tests.servers.process import ServerProcess
from tests.servers.raw import get, head

Servers = Callable[..., ServerProcess]

DOWNLOADS = 2000
IDLE = 10_000
STACK_BYTES = 512 << 10


def test_2000_downloads_at_once_lose_nothing(
    servers: Servers, root: Path, content: bytes, record_property: Callable[[str, object], None]
) -> None:
    process = servers("sendfile", "--port", "0", "--root", root)
    port = process.ready_port()
    before = footprint.of(process.pid)
    with crowd.connections(port, DOWNLOADS, receive_buffer_bytes=16 << 10) as socks:
        for sock in socks:
            sock.sendall(head())
        crowd.wait_for_answers(socks, DOWNLOADS)
        during = footprint.of(process.pid)
        assert during.threads == before.threads + DOWNLOADS  # every one is being answered, and none has been read from
        assert crowd.receive_all(socks, content) == DOWNLOADS
    each_bytes = (during.resident_bytes - before.resident_bytes) / DOWNLOADS
    record_property("resident_bytes_per_connection", each_bytes)
    print(f"{each_bytes / 1024:.1f} KiB of memory per connection")
    assert each_bytes < STACK_BYTES / 4
    footprint.back_to(process.pid, before, slack_bytes=64 << 20)
    assert get(port).body == content
    assert process.errors().count("\n") == 1


def test_10000_idle_connections_are_held_or_refused(servers: Servers, root: Path) -> None:
    process = servers("sendfile", "--port", "0", "--root", root)
    port = process.ready_port()
    before = footprint.of(process.pid)
    with crowd.connections(port, IDLE) as socks:
        refused = set(crowd.wait_for_answers(socks, IDLE - Limits().connections))
        assert all(sock.recv(4096).startswith(b"HTTP/1.1 503 ") for sock in refused)
        held = [sock for sock in socks if sock not in refused]
        assert len(held) == Limits().connections
        for sock in held:
            sock.sendall(head("/one"))
        assert crowd.receive_all(held, b"1") == len(held)
    eventually(lambda: get(port, "/one").status == 200)
    footprint.back_to(process.pid, before, slack_bytes=64 << 20)
    assert process.errors().count("\n") == 1
