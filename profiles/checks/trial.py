"""python -m profiles.checks.trial MODE: try a mode on a real TCP connection, in a process of its own; JSON on stdout.

Its rule: capability is tested by doing, never by version, and a crash here is a reason and not a death. Nothing is
timed. What is told, and how it is known:

- the bytes that arrived, whole and in ranges, compared with the file's;
- the mutation witness: 48 KiB are sent and not yet read, the file is overwritten in place, then they are read. New
  bytes arrived: the pages went by reference. Old bytes: they had been copied;
- bytes copied while reading, per byte sent: (rchar - wchar - read_bytes) of /proc/self/io. read() counts in rchar,
  sendfile() in both, splice() and mmap in neither; read_bytes came by DMA, past the CPU (O_DIRECT). OpenSSL sends with
  write(), which counts in wchar and has nothing to do with reading: there wchar is left out;
- the kernel's own completions, where a mode collects them.

`--marked` is for strace: one download between two marks, and nothing else.
"""

import contextlib
import hashlib
import json
import os
import random
import select
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from servers import discovery, mode

WITNESS_BYTES = 48 << 10
FILE_BYTES = (8 << 20) + 4097  # neither a multiple of a page nor of a buffer
RANGES = 8
TRIES = 5
MARKS = ("/zero-copy-bench/begin", "/zero-copy-bench/end")
TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class _Trial:
    """A mode, and the file that it sends."""

    facts: mode.Mode
    send_file: partial[None]
    path: Path

    @contextlib.contextmanager
    def connected(self) -> Iterator[tuple[socket.socket, socket.socket, int]]:
        """The server's and the client's end of a TCP connection over loopback, as the mode wants it, and the file."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            client = socket.create_connection(listener.getsockname(), TIMEOUT_S)
            accepted, _ = listener.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, TIMEOUT_S.to_bytes(8, sys.byteorder) + bytes(8))
        server = discovery.wrapper(self.facts)(accepted)
        if isinstance(server, ssl.SSLSocket):
            client = _tls_handshake(server, client)
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            with client, server:
                yield server, client, fd
        finally:
            os.close(fd)


def _tls_handshake(server: ssl.SSLSocket, client: socket.socket) -> socket.socket:
    """The client's end, when both have shaken hands: the server in a thread, since each waits for the other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with ThreadPoolExecutor(1) as other:
        shaken = other.submit(server.do_handshake)
        wrapped = context.wrap_socket(client)
        shaken.result(TIMEOUT_S)
    return wrapped


def main(name: str, folder: Path, marked: bool) -> dict[str, object]:
    facts, send = discovery.import_mode(name)
    path = folder / f"trial-{os.getpid()}"
    trial = _Trial(facts, partial(send), path)
    try:
        content = random.Random(name).randbytes(FILE_BYTES)
        _write(path, content)
        if marked:
            return _traced_download(trial)
        told: dict[str, object] = {"wrong": _wrong_ranges(trial, content)}
        told["read_copies"] = _read_copies(trial)
        told["new_share"] = _witness(trial)
        completions = getattr(sys.modules[discovery.module_name(facts.name)], "completions", None)
        if completions is not None:
            told["completions"] = [completions().total, completions().copied]
        return told
    finally:
        path.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        os.fsync(file.fileno())  # O_DIRECT would write dirty pages back first


def _wrong_ranges(trial: _Trial, content: bytes) -> list[str]:
    """The ranges, of the whole file and some drawn ones, that did not arrive as they should."""
    chance = random.Random(1)
    ranges = [(0, len(content))]
    for _ in range(RANGES):
        offset = chance.randrange(len(content))
        ranges.append((offset, chance.randint(1, len(content) - offset)))
    wrong = []
    with trial.connected() as (server, client, fd):
        for offset, count in ranges:  # over one connection: what an answer leaves behind spoils the next
            arrived = _received(client, count, partial(trial.send_file, server, fd, offset, count))
            if arrived.digest != hashlib.sha256(content[offset : offset + count]).digest():
                wrong.append(f"{offset}+{count}")
    return wrong


def _read_copies(trial: _Trial) -> float | None:
    """Bytes that the CPU copied to read the file, per byte sent; None where the file did not stay in the page cache.

    A machine that is short of memory may evict pages meanwhile. What then comes from the disk looks as if it had gone
    past the CPU, and so as fewer copies: such a try is made again.
    """
    for _ in range(TRIES):
        trial.path.read_bytes()
        copies, read_from_disk = _copies_once(trial)
        if read_from_disk == 0 or read_from_disk >= FILE_BYTES:  # the whole of it by DMA: O_DIRECT
            return copies
    return None


def _copies_once(trial: _Trial) -> tuple[float, int]:
    """Copies per byte, and how many bytes came from the disk."""
    with trial.connected() as (server, client, fd):
        before = _io("self")
        received = _received(client, FILE_BYTES, lambda: trial.send_file(server, fd, 0, FILE_BYTES))
        after = _io("self")
    added = {key: after[key] - before[key] for key in after}
    read_bytes = added["rchar"] - received.rchar - added["read_bytes"]
    copied_bytes = read_bytes if trial.facts.tls == "user" else read_bytes - added["wchar"]
    return copied_bytes / FILE_BYTES, added["read_bytes"]


def _io(who: str) -> dict[str, int]:
    """/proc/self/io or /proc/thread-self/io, proc_pid_io(5); reading it counts in rchar too, by some hundred bytes."""
    lines = Path(f"/proc/{who}/io").read_text().splitlines()
    return {key: int(value) for key, value in (line.split(": ") for line in lines)}


def _witness(trial: _Trial) -> float:
    """The share of bytes that were overwritten after they had been sent, and arrived as the new ones."""
    _write(trial.path, b"\x11" * WITNESS_BYTES)
    with trial.connected() as (server, client, fd):
        # A mode that waits until the peer has the bytes can only return once they are read: so it has a thread.
        sender = threading.Thread(target=trial.send_file, args=(server, fd, 0, WITNESS_BYTES), daemon=True)
        sender.start()
        select.select([client], [], [], TIMEOUT_S)
        sender.join(0.5)
        with trial.path.open("r+b") as file:
            file.write(b"\x22" * WITNESS_BYTES)
        arrived = b""
        while len(arrived) < WITNESS_BYTES:
            piece = client.recv(WITNESS_BYTES)
            if not piece:
                raise ConnectionError(f"{WITNESS_BYTES - len(arrived)} bytes are missing")
            arrived += piece
        sender.join(TIMEOUT_S)
    return arrived.count(b"\x22") / WITNESS_BYTES


def _traced_download(trial: _Trial) -> dict[str, object]:
    """A download, and one more between the marks, when what is made once per thread or process is there.

    A child receives them: a thread would wait for the GIL in futex calls.
    """
    with trial.connected() as (server, client, fd):
        child = os.fork()
        if child == 0:
            left = 2 * FILE_BYTES
            while left and (got := len(client.recv(min(left, 1 << 18)))):
                left -= got
            os._exit(0)
        try:
            trial.send_file(server, fd, 0, FILE_BYTES)
            os.access(MARKS[0], os.F_OK)
            trial.send_file(server, fd, 0, FILE_BYTES)
            os.access(MARKS[1], os.F_OK)
        except BaseException:
            os.kill(child, signal.SIGKILL)  # else it would wait for the bytes that do not come
            raise
        finally:
            os.waitpid(child, 0)
    return {"bytes": FILE_BYTES}


@dataclass(frozen=True, slots=True)
class _Received:
    """The sha256 of what arrived, and what receiving it counted in rchar: nothing by recv(), all of it by OpenSSL."""

    digest: bytes
    rchar: int


def _received(client: socket.socket, count: int, send: Callable[[], None]) -> _Received:
    """Receive `count` bytes in a thread, while send() runs in this one."""

    def receive() -> _Received:
        digest, left, before = hashlib.sha256(), count, _io("thread-self")
        while left and (piece := client.recv(min(left, 1 << 18))):
            digest.update(piece)
            left -= len(piece)
        return _Received(digest.digest(), _io("thread-self")["rchar"] - before["rchar"])

    with ThreadPoolExecutor(1) as other:
        receiver = other.submit(receive)
        try:
            send()
        except BaseException:
            with contextlib.suppress(OSError):  # it is over already
                client.shutdown(socket.SHUT_RDWR)  # else the receiver would be waited for until its time-out
            raise
        return receiver.result(TIMEOUT_S)


if __name__ == "__main__":
    try:
        print(json.dumps(main(sys.argv[1], Path(sys.argv[2]), "--marked" in sys.argv)))
    except OSError as error:
        print(json.dumps({"errno": error.errno, "error": f"{error.strerror or error}"}))
