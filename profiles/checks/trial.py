"""python -m profiles.checks.trial MODE FOLDER [OPTION=BYTES…]: try a mode on a real TCP connection, in its own process.

Prints what it found as JSON, named as in profiles/store/proof.py. Nothing is timed, and a mode that crashes ends this
process only. How each is known:

- wrong: the bytes that arrived, whole and in ranges, are compared with the file's;
- by_reference_share, the mutation witness: 48 KiB are sent and not yet read, the file is overwritten in place, then
  they are read. New bytes went by reference; old bytes had been copied;
- read_copies: (rchar - wchar - read_bytes) of /proc/self/io per byte sent. read() counts in rchar, sendfile() in both,
  splice() and mmap in neither; read_bytes came by DMA, past the CPU (O_DIRECT). OpenSSL sends with write(), so there
  wchar has nothing to do with reading, and is left out;
- completions: those of the kernel, where a mode collects them.

With --marked it makes one download between two marks instead, for strace.
"""

import contextlib
import hashlib
import json
import os
import random
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from profiles.contract.subject import connected_pair
from servers import discovery, mode

WITNESS_BYTES = 48 << 10
FILE_BYTES = (8 << 20) + 4097  # not a multiple of a page or a buffer
RANGES = 8
TRIES = 5
MARKS = ("/zero-copy-bench/begin", "/zero-copy-bench/end")
TIMEOUT_S = 10
_PIECE_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class _Trial:
    """A mode, and the file that it sends."""

    facts: mode.Mode
    send_file: mode.SendFile
    path: Path

    @contextlib.contextmanager
    def connected(self) -> Iterator[tuple[socket.socket, socket.socket, int]]:
        """The server's and the client's end of a TCP connection over loopback, and the open file."""
        server, client = connected_pair(self.facts)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, TIMEOUT_S.to_bytes(8, sys.byteorder) + bytes(8))
        client.settimeout(TIMEOUT_S)
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            with client, server:
                yield server, client, fd
        finally:
            os.close(fd)


def main(name: str, folder: Path, options: dict[str, int], marked: bool) -> dict[str, object]:
    facts, plain_send = discovery.import_mode(name)
    sending: Callable[..., None] = plain_send
    send = partial(sending, **{option.replace("-", "_"): size_bytes for option, size_bytes in options.items()})
    path = folder / f"trial-{os.getpid()}"
    trial = _Trial(facts, send, path)
    try:
        content = random.Random(name).randbytes(FILE_BYTES)
        write(path, content)
        if marked:
            return _marked_download(trial)
        wrong, read_copies, share = _wrong_ranges(trial, content), _read_copies(trial), _witness(trial)
        found: dict[str, object] = {"wrong": wrong, "read_copies": read_copies, "by_reference_share": share}
        completions = getattr(sys.modules[discovery.module_name(facts.name)], "completions", None)
        if completions is not None:
            found |= {"completions": completions().total, "copied_completions": completions().copied}
        return found
    finally:
        path.unlink(missing_ok=True)


def write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        os.fsync(file.fileno())  # O_DIRECT would write dirty pages back first


def _wrong_ranges(trial: _Trial, content: bytes) -> list[str]:
    """The ranges that did not arrive as they are in the file, of the whole file and some random ones."""
    chance = random.Random(1)
    ranges = [(0, len(content))]
    for _ in range(RANGES):
        offset = chance.randrange(len(content))
        ranges.append((offset, chance.randint(1, len(content) - offset)))
    wrong = []
    with trial.connected() as (server, client, fd):
        for offset, count in ranges:  # over one connection: what an answer leaves behind spoils the next
            arrived, _ = _transfer(trial, server, client, fd, offset, count)
            if arrived != hashlib.sha256(content[offset : offset + count]).digest():
                wrong.append(f"{offset}+{count}")
    return wrong


def _read_copies(trial: _Trial) -> float | None:
    """Bytes that the CPU copied to read the file, per byte sent; None where the file did not stay in the page cache.

    A machine that is short of memory may evict pages meanwhile. What then comes from the disk looks as if it had gone
    past the CPU, and so as fewer copies: such a try is repeated.
    """
    for _ in range(TRIES):
        trial.path.read_bytes()
        copies, read_from_disk = _copies_once(trial)
        if read_from_disk == 0 or read_from_disk >= FILE_BYTES:  # all of it by DMA: O_DIRECT
            return copies
    return None


def _copies_once(trial: _Trial) -> tuple[float, int]:
    """Copies per byte, and how many bytes came from the disk."""
    with trial.connected() as (server, client, fd):
        before = _io("self")
        _, received_rchar = _transfer(trial, server, client, fd, 0, FILE_BYTES)
        after = _io("self")
    added = {key: after[key] - before[key] for key in after}
    read_bytes = added["rchar"] - received_rchar - added["read_bytes"]
    copied_bytes = read_bytes if trial.facts.tls == "user" else read_bytes - added["wchar"]
    return copied_bytes / FILE_BYTES, added["read_bytes"]


def _io(who: str) -> dict[str, int]:
    """/proc/self/io or /proc/thread-self/io, proc_pid_io(5). Reading it adds some hundred bytes to rchar."""
    lines = Path(f"/proc/{who}/io").read_text().splitlines()
    return {key: int(value) for key, value in (line.split(": ") for line in lines)}


def _witness(trial: _Trial) -> float:
    """The share of bytes that were overwritten after they had been sent, and arrived as the new ones."""
    write(trial.path, b"\x11" * WITNESS_BYTES)
    with trial.connected() as (server, client, fd):
        # In a thread, as some modes return only once the client has read the bytes.
        sender = threading.Thread(target=trial.send_file, args=(server, fd, 0, WITNESS_BYTES), daemon=True)
        sender.start()
        select.select([client], [], [], TIMEOUT_S)
        sender.join(0.5)
        with trial.path.open("r+b") as file:
            file.write(b"\x22" * WITNESS_BYTES)
        arrived = b"".join(_pieces(client, WITNESS_BYTES))
        if len(arrived) < WITNESS_BYTES:
            raise ConnectionError(f"{WITNESS_BYTES - len(arrived)} bytes are missing")
        sender.join(TIMEOUT_S)
    return arrived.count(b"\x22") / WITNESS_BYTES


def _marked_download(trial: _Trial) -> dict[str, object]:
    """Two downloads, the second between the marks: the first makes what is made once per thread or process.

    A child process receives them: a thread would wait for the GIL in futex calls.
    """
    with trial.connected() as (server, client, fd):
        child = os.fork()
        if child == 0:
            server.close()  # or the connection would outlive a mode that crashes
            for _ in _pieces(client, 2 * FILE_BYTES):
                pass
            os._exit(0)
        try:
            trial.send_file(server, fd, 0, FILE_BYTES)
            os.access(MARKS[0], os.F_OK)
            trial.send_file(server, fd, 0, FILE_BYTES)
            os.access(MARKS[1], os.F_OK)
        except BaseException:
            os.kill(child, signal.SIGKILL)  # it would wait for bytes that do not come
            raise
        finally:
            os.waitpid(child, 0)
    return {"bytes": FILE_BYTES}


def _transfer(
    trial: _Trial, server: socket.socket, client: socket.socket, fd: int, offset: int, count: int
) -> tuple[bytes, int]:
    """Send a range and receive it in a thread: the sha256 of what arrived, and what receiving added to rchar.

    recv() adds nothing to rchar, OpenSSL all of it.
    """

    def receive() -> tuple[bytes, int]:
        digest, before = hashlib.sha256(), _io("thread-self")
        for piece in _pieces(client, count):
            digest.update(piece)
        return digest.digest(), _io("thread-self")["rchar"] - before["rchar"]

    with ThreadPoolExecutor(1) as other:
        receiver = other.submit(receive)
        try:
            trial.send_file(server, fd, offset, count)
        except BaseException:
            with contextlib.suppress(OSError):  # it is closed already
                client.shutdown(socket.SHUT_RDWR)  # or the receiver would wait until its time-out
            raise
        return receiver.result(TIMEOUT_S)


def _pieces(client: socket.socket, count: int) -> Iterator[bytes]:
    """What arrives, until it is `count` bytes or the connection ends."""
    while count and (piece := client.recv(min(count, _PIECE_BYTES))):
        count -= len(piece)
        yield piece


if __name__ == "__main__":
    try:
        given = dict(word.split("=") for word in sys.argv[3:] if word != "--marked")
        sizes = {option: int(size_bytes) for option, size_bytes in given.items()}
        print(json.dumps(main(sys.argv[1], Path(sys.argv[2]), sizes, "--marked" in sys.argv)))
    except OSError as error:
        print(json.dumps({"errno": error.errno, "error": f"{error.strerror or error}"}))
