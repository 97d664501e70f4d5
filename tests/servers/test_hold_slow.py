"""Slow peers do not hinder others and are disconnected after the time-out.

Single bytes are no progress: TCP reopens the window only for a packet's worth (RFC 9293 section 3.8.6.2.2), so a reader
of one byte per second seems to take nothing. Here the time-outs are small and many single bytes come within each.
"""

import contextlib
import os
import resource
import select
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers import discovery
from servers.mode import SendFile
from servers.server import Limits
from tests.conftest import eventually
from tests.servers import footprint
from tests.servers.conftest import Serve
from tests.servers.probe import now_or_slow
from tests.servers.raw import Connection, get, head

SLOW_PEERS = 20
LARGE_BYTES = 8 << 20  # more than the kernel keeps for a peer that does not read


@contextlib.contextmanager
def slow_peers(port: int) -> Iterator[list[Connection]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Connection(port, receive_buffer_bytes=16 << 10)) for _ in range(SLOW_PEERS)]


def happened(connection: Connection, events: int) -> bool:
    """Whether the connection has these events now (poll(2)); errors are always reported."""
    poll = select.poll()
    poll.register(connection.sock, events)
    return bool(poll.poll(0))


def skip_if_readers_hold_all_locked_memory(send_file: SendFile) -> None:
    """A zero-copy send waits for memory that may be locked, and slow readers hold it: a limit of these paths."""
    zero_copy = hasattr(sys.modules[send_file.__module__], "completions")
    limit, needed = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0], (SLOW_PEERS + 1) * LARGE_BYTES
    if zero_copy and not may_lock_all() and limit != resource.RLIM_INFINITY and limit < needed:
        pytest.skip(f"an ordinary user may lock {limit} bytes (`ulimit -l`), and slow readers hold up to {needed}")


def may_lock_all() -> bool:
    """CAP_IPC_LOCK, capabilities(7)."""
    status = Path("/proc/self/status").read_text()
    return bool(int(status.split("CapEff:")[1].split()[0], 16) & 1 << 14)


@now_or_slow("sendfile", "read-send", "zerocopy-send", "uring-send-zc", "asyncio-sendfile", "splice")
def test_slow_readers(serve: Serve, send_file: SendFile, large: Path, content: bytes) -> None:
    skip_if_readers_hold_all_locked_memory(send_file)
    limits = Limits(send_timeout_s=0.5, grace_s=0.0)
    threads = footprint.of(os.getpid()).threads + 1  # the one that accepts
    with serve(send_file, limits) as running, slow_peers(running.port) as readers:
        for reader in readers:
            reader.sock.sendall(head("/large"))
            reader.response_head()
        assert get(running.port).body == content

        def all_are_reset() -> bool:
            going_on = [reader for reader in readers if not happened(reader, 0)]
            for reader in going_on:
                assert reader.sock.recv(1) == b"\0"
            return not going_on

        eventually(all_are_reset)
        eventually(lambda: footprint.of(os.getpid()).threads == threads)
        assert get(running.port).body == content


def test_slow_heads(serve: Serve, content: bytes) -> None:
    limits = Limits(head_timeout_s=0.5, idle_timeout_s=60.0, grace_s=0.0)
    with serve(discovery.import_mode("sendfile")[1], limits) as running, slow_peers(running.port) as writers:

        def all_are_answered() -> bool:
            going_on = [writer for writer in writers if not happened(writer, select.POLLIN)]
            for writer in going_on:
                writer.sock.sendall(b"G")
            return not going_on

        assert not all_are_answered()
        assert get(running.port).body == content
        eventually(all_are_answered)
        assert {writer.response().status for writer in writers} == {408}
        assert get(running.port).body == content
