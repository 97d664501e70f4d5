"""Thousands of connections from one process: opened one after the other, read by one epoll.

Its rule: every byte that arrives is compared with the file's, and none is counted twice.
"""

import contextlib
import resource
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import eventually

TIMEOUT_S = 60.0
_RECEIVE_BYTES = 256 << 10
_OTHER_DESCRIPTORS = 200  # what the tests themselves have open
_AT_ONCE = 500  # of the 4,096 that an accept queue holds; beyond it SYNs are dropped and retried for minutes


@contextlib.contextmanager
def descriptors(wanted: int) -> Iterator[None]:
    """Allow this many connections in this process; skips the test where the hard limit forbids it."""
    before = soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _OTHER_DESCRIPTORS
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip(f"the hard limit on open files is {hard}, {needed} are needed: raise it with `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextlib.contextmanager
def connections(port: int, count: int, receive_buffer_bytes: int | None = None) -> Iterator[list[socket.socket]]:
    """Open this many connections, waiting for the server to accept them, and keep them open until the end."""
    with contextlib.ExitStack() as stack, descriptors(count):
        socks = []
        for _ in range(count):
            sock = stack.enter_context(socket.socket())
            sock.settimeout(TIMEOUT_S)
            if receive_buffer_bytes:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
            sock.connect(("127.0.0.1", port))
            socks.append(sock)
            if len(socks) % _AT_ONCE == 0:
                eventually(lambda: _unaccepted(port) == 0)
        yield socks


def _unaccepted(port: int) -> int:
    """The length of the accept queue of 127.0.0.1:port, which /proc/net/tcp has as rx_queue (proc(5))."""
    listening = f" 0100007F:{port:04X} 00000000:0000 0A "
    with Path("/proc/net/tcp").open() as rows:  # listening sockets come first: the thousands of others are not read
        row = next(row for row in rows if listening in row)
    return int(row.split()[4].split(":")[1], 16)


def wait_for_answers(socks: list[socket.socket], count: int) -> list[socket.socket]:
    """Those that have something to read, once they are this many. Nothing is read."""
    with select.epoll() as epoll:
        by_fd = {sock.fileno(): sock for sock in socks}
        for fd in by_fd:
            epoll.register(fd, select.EPOLLIN | select.EPOLLONESHOT)
        ready: list[socket.socket] = []
        while len(ready) < count:
            events = epoll.poll(TIMEOUT_S, maxevents=4096)
            assert events, f"{len(ready)} of {count} have been answered after {TIMEOUT_S:g} s without a further one"
            ready += [by_fd[fd] for fd, _ in events]
        return ready


def receive_all(socks: list[socket.socket], content: bytes) -> int:
    """Read one 200 with this content from each, all at once; how many arrived whole. Fails at the first wrong byte."""
    buffer = memoryview(bytearray(_RECEIVE_BYTES))
    with select.epoll() as epoll:
        by_fd = {sock.fileno(): sock for sock in socks}
        at = dict.fromkeys(by_fd, 0)
        for fd, sock in by_fd.items():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)  # fast from here on
            _skip_head(sock)
            epoll.register(fd, select.EPOLLIN)
        whole = 0
        while whole < len(socks):
            events = epoll.poll(TIMEOUT_S)
            assert events, f"{whole} of {len(socks)} are whole after {TIMEOUT_S:g} s without a further byte"
            for fd, _ in events:
                size = by_fd[fd].recv_into(buffer[: len(content) - at[fd]])
                assert size, f"a connection ended after {at[fd]} of {len(content)} bytes"
                assert content.startswith(buffer[:size], at[fd]), f"other bytes behind {at[fd]}"
                at[fd] += size
                if at[fd] == len(content):
                    epoll.unregister(fd)
                    whole += 1
        return whole


def _skip_head(sock: socket.socket) -> None:
    """Read a head and nothing behind it."""
    seen = sock.recv(4096, socket.MSG_PEEK)
    head = sock.recv(seen.index(b"\r\n\r\n") + 4)
    assert head.startswith(b"HTTP/1.1 200 "), head
