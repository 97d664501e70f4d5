"""python -m profiles.trial MODE: try a mode on a real TCP connection, in a process of its own; JSON on stdout.

Its rule: capability is tested by doing, never by version, and a crash here is a reason and not a death. Nothing is
timed. What is told, and how it is known:

- the bytes that arrived, whole and in ranges, compared with the file's;
- the mutation witness: 48 KiB are sent and not yet read, the file is overwritten in place, then they are read. New
  bytes arrived: the pages went by reference. Old bytes: they had been copied;
- bytes copied while reading, per byte sent: (rchar - wchar - read_bytes) of /proc/self/io. read() counts in rchar,
  sendfile() in both, splice() and mmap in neither; read_bytes came by DMA, past the CPU (O_DIRECT);
- the kernel's own completions, where a mode collects them.

`--marked` is for strace: one download between two marks, and nothing else.
"""

import contextlib
import hashlib
import json
import os
import random
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from servers import mode

WITNESS_BYTES = 48 << 10
FILE_BYTES = (8 << 20) + 4097  # neither a multiple of a page nor of a buffer
RANGES = 8
MARKS = ("/zero-copy-bench/begin", "/zero-copy-bench/end")
TIMEOUT_S = 10

SendFile = partial[None]


def main(name: str, folder: Path, marked: bool) -> dict[str, object]:
    facts, send = mode.load(name)
    send_file: SendFile = partial(send)
    path = folder / f"trial-{os.getpid()}"
    try:
        content = random.Random(name).randbytes(FILE_BYTES)
        _write(path, content)
        if marked:
            return _marked(send_file, path)
        told: dict[str, object] = {"wrong": _wrong_ranges(send_file, path, content)}
        told["read_copies"] = _read_copies(send_file, path)
        told["new_share"] = _witness(send_file, path)
        completions = getattr(sys.modules[mode.module_name(facts.name)], "completions", None)
        if completions is not None:
            told["completions"] = [completions().total, completions().copied]
        return told
    finally:
        path.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        os.fsync(file.fileno())  # O_DIRECT would write dirty pages back first


def _wrong_ranges(send_file: SendFile, path: Path, content: bytes) -> list[str]:
    """The ranges, of the whole file and some drawn ones, that did not arrive as they should."""
    chance = random.Random(1)
    ranges = [(0, len(content))]
    for _ in range(RANGES):
        offset = chance.randrange(len(content))
        ranges.append((offset, chance.randint(1, len(content) - offset)))
    wrong = []
    with _connection() as (server, client), _opened(path) as fd:
        for offset, count in ranges:  # over one connection: what an answer leaves behind spoils the next
            arrived = _received(client, count, partial(send_file, server, fd, offset, count))
            if arrived != hashlib.sha256(content[offset : offset + count]).digest():
                wrong.append(f"{offset}+{count}")
    return wrong


def _read_copies(send_file: SendFile, path: Path) -> float:
    """Bytes that the CPU copied to read the file, per byte sent."""
    with _connection() as (server, client), _opened(path) as fd:
        before = _io()
        _received(client, FILE_BYTES, lambda: send_file(server, fd, 0, FILE_BYTES))
        after = _io()
    added = {key: after[key] - before[key] for key in after}
    return (added["rchar"] - added["wchar"] - added["read_bytes"]) / FILE_BYTES


def _io() -> dict[str, int]:
    """/proc/self/io, proc_pid_io(5); reading it counts in rchar too, by some hundred bytes."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return {key: int(value) for key, value in (line.split(": ") for line in lines)}


def _witness(send_file: SendFile, path: Path) -> float:
    """The share of bytes that were overwritten after they had been sent, and arrived as the new ones."""
    _write(path, b"\x11" * WITNESS_BYTES)
    with _connection() as (server, client), _opened(path) as fd:
        # A mode that waits until the peer has the bytes can only return once they are read: so it has a thread.
        sender = threading.Thread(target=send_file, args=(server, fd, 0, WITNESS_BYTES), daemon=True)
        sender.start()
        client.recv(1, socket.MSG_PEEK)
        sender.join(0.5)
        with path.open("r+b") as file:
            file.write(b"\x22" * WITNESS_BYTES)
        arrived = b""
        while len(arrived) < WITNESS_BYTES:
            piece = client.recv(WITNESS_BYTES)
            if not piece:
                raise ConnectionError(f"{WITNESS_BYTES - len(arrived)} bytes are missing")
            arrived += piece
        sender.join(TIMEOUT_S)
    return arrived.count(b"\x22") / WITNESS_BYTES


def _marked(send_file: SendFile, path: Path) -> dict[str, object]:
    """A download, and one more between the marks, when what is made once per thread or process is there.

    A child receives them: a thread would wait for the GIL in futex calls.
    """
    with _connection() as (server, client), _opened(path) as fd:
        child = os.fork()
        if child == 0:
            left = 2 * FILE_BYTES
            while left and (got := len(client.recv(min(left, 1 << 18)))):
                left -= got
            os._exit(0)
        send_file(server, fd, 0, FILE_BYTES)
        os.access(MARKS[0], os.F_OK)
        send_file(server, fd, 0, FILE_BYTES)
        os.access(MARKS[1], os.F_OK)
        os.waitpid(child, 0)
    return {"bytes": FILE_BYTES}


def _received(client: socket.socket, count: int, send: Callable[[], None]) -> bytes:
    """The sha256 of `count` bytes that arrive while send() runs in this thread."""
    digest = hashlib.sha256()

    def receive() -> None:
        left = count
        while left and (piece := client.recv(min(left, 1 << 18))):
            digest.update(piece)
            left -= len(piece)

    receiver = threading.Thread(target=receive, daemon=True)
    receiver.start()
    send()
    receiver.join(TIMEOUT_S)
    return digest.digest()


@contextlib.contextmanager
def _connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A TCP connection over loopback: the server's side, blocking and with a send time-out as in a server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), TIMEOUT_S)
        server, _ = listener.accept()
    with client, server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, TIMEOUT_S.to_bytes(8, sys.byteorder) + bytes(8))
        yield server, client


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


if __name__ == "__main__":
    try:
        print(json.dumps(main(sys.argv[1], Path(sys.argv[2]), "--marked" in sys.argv)))
    except OSError as error:
        print(json.dumps({"errno": error.errno, "error": f"{error.strerror or error}"}))
