"""Modes that learn from the kernel whether it copied after all: each send is counted, and all are awaited."""

import os
import socket
import subprocess
import sys
import threading
import types
from importlib import import_module
from pathlib import Path

import pytest

from profiles.contract.subject import Pair, opened, received
from servers import discovery
from servers.mode import Completions
from tests.conftest import PROJECT
from tests.servers.conftest import FILE_BYTES, Serve
from tests.servers.probe import skip_if_missing
from tests.servers.raw import get

TELLING = [name for name in discovery.names() if hasattr(import_module(discovery.module_name(name)), "completions")]


@pytest.fixture(params=TELLING)
def telling(request: pytest.FixtureRequest) -> types.ModuleType:
    skip_if_missing(request.param)
    return import_module(discovery.module_name(request.param))


def new_completions(module: types.ModuleType, before: Completions) -> tuple[int, int]:
    now: Completions = module.completions()
    return now.total - before.total, now.copied - before.copied


def test_the_modes_with_zero_copy_sends_tell() -> None:
    assert {"zerocopy-send", "uring-send-zc"} <= set(TELLING)


def test_on_one_machine_every_send_is_copied_after_all(
    pair: Pair, root: Path, content: bytes, telling: types.ModuleType
) -> None:
    """Loopback copies zero-copy pages when they reach the receiver, which may hold them for ever."""
    before = telling.completions()
    with opened(root / "file.bin") as fd:
        got = received(pair, lambda sock: telling.send_file(sock, fd, 7, 900_000, piece=100_000))
    assert got == content[7:900_007]
    total, copied = new_completions(telling, before)
    assert total >= 9  # more, where the kernel took less than it was given
    assert copied == total


def test_all_are_there_when_send_file_returns(pair: Pair, root: Path, telling: types.ModuleType) -> None:
    left, right = pair
    left.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    before = telling.completions()
    with opened(root / "file.bin") as fd:
        for offset in range(3):
            telling.send_file(left, fd, offset, 10)
    assert new_completions(telling, before) == (3, 3)
    assert right.recv(100)
    with pytest.raises(BlockingIOError):
        left.recvmsg(0, 512, socket.MSG_ERRQUEUE)


def test_threads_count_together(serve: Serve, telling: types.ModuleType, content: bytes) -> None:
    before = telling.completions()
    with serve(telling.send_file) as running:
        threads = [
            threading.Thread(target=get, args=(running.port, "/file.bin", "Range: bytes=0-99")) for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert new_completions(telling, before)[0] == 20


def test_a_peer_that_reads_late_is_waited_for(
    pair: Pair, root: Path, content: bytes, telling: types.ModuleType
) -> None:
    """By its progress, and not by the clock of one send."""
    left, right = pair
    done = threading.Event()

    def send() -> None:
        with opened(root / "file.bin") as fd:
            telling.send_file(left, fd, 0, FILE_BYTES)
        done.set()

    thread = threading.Thread(target=send)
    thread.start()
    parts = [right.recv(1000)]
    assert not done.is_set()  # most of the file is not at the peer yet, so its pages are not free
    while sum(map(len, parts)) < FILE_BYTES:
        parts.append(right.recv(65536))
    thread.join()
    assert b"".join(parts) == content


_SHORT_OF_MEMORY = """
import importlib, os, resource, socket, sys, threading
from servers import discovery
from tests.servers.probe import become_unprivileged, tcp_pair
telling = importlib.import_module(discovery.module_name(sys.argv[1]))
refused = 0
make_room = telling._Sends._make_room
def counting(*arguments):
    global refused
    if not refused:
        thread.start()  # nobody reads before, so more and more pages are held
    refused += 1
    make_room(*arguments)
telling._Sends._make_room = counting
left, right = tcp_pair()
fd = os.open(sys.argv[2], os.O_RDONLY)
resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 16, 1 << 16))
become_unprivileged()
got = []
thread = threading.Thread(target=lambda: got.extend(iter(lambda: right.recv(1 << 16), b"")))
telling.send_file(left, fd, 0, 1_000_003, piece=16384)
left.shutdown(socket.SHUT_WR)
thread.join()
assert b"".join(got) == open(fd, "rb").read()
print(refused)
"""


def test_too_little_lockable_memory_is_waited_out(root: Path, telling: types.ModuleType) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can become a user without CAP_IPC_LOCK")
    command = [sys.executable, "-c", _SHORT_OF_MEMORY, telling.MODE.name, str(root / "file.bin")]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0
