"""What send_file must do, in good and in bad times. Each check raises BrokenContractError, or what send_file raised.

Its rule: what is checked is what a user of the server would lose: a byte, the next answer, the server's memory.
"""

import contextlib
import os
import socket
import struct
import threading
from bisect import bisect_left
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from profiles.contract.short_calls import short_calls
from profiles.contract.subject import FILE_BYTES, LARGE_BYTES, BrokenContractError, Subject, content, opened
from servers.mode import FileShrankError

PARTS = ((0, FILE_BYTES), (0, 1), (FILE_BYTES - 1, 1), (4095, 4098), (999, 262_144), (0, 0))
CUT_AT = 5000
CLEAR_BYTES = 8 << 20  # a cut clears the rest of its folio (2 MiB), also what is under way by reference
TOGETHER, TIMES, MOST_OF_IT, NARROW_BYTES = 8, 4, 900_000, 32 << 10
STUCK_S = 0.02
DESCRIPTORS = Path("/proc/self/fd")


def exact_bytes(subject: Subject) -> None:
    path, wanted = subject.file(content()), content()
    for offset, count in PARTS:
        with subject.connected() as pair:
            arrived = subject.answers(pair, path, (offset, count))
        _compare(arrived, wanted[offset : offset + count], f"{count:,} bytes from byte {offset:,} on")
    with subject.connected() as pair:
        arrived = subject.answers(pair, path, *PARTS)
    whole = b"".join(wanted[offset : offset + count] for offset, count in PARTS)
    _compare(arrived, whole, f"{len(PARTS)} answers over one connection")


def short_reads_and_sends(subject: Subject) -> None:
    path = subject.file(content())
    with subject.connected() as pair, short_calls():
        arrived = subject.answers(pair, path, (17, 900_001))
    _compare(arrived, content()[17:900_018], "where every call read or sent less than it was asked for")


def every_option(subject: Subject) -> None:
    path = subject.file(content())
    for option in subject.facts.options:
        for size_bytes in (option.minimum_bytes + 4095, 65_537, 1 << 20):
            keyword = {option.name.replace("-", "_"): size_bytes}
            with subject.connected() as pair:
                arrived = subject.answers(pair, path, (1, MOST_OF_IT), **keyword)
            _compare(arrived, content()[1 : MOST_OF_IT + 1], f"with {option.name}={size_bytes}")


def many_at_once(subject: Subject) -> None:
    path = subject.file(content())

    def one(number: int) -> bytes:
        with subject.connected() as pair:
            pair[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, NARROW_BYTES)  # so each send waits, and others run
            return subject.answers(pair, path, *[(1000 * number, MOST_OF_IT)] * TIMES)

    with ThreadPoolExecutor(TOGETHER) as pool:
        arrived = list(pool.map(one, range(TOGETHER)))
    for number, data in enumerate(arrived):
        wanted = content()[1000 * number : 1000 * number + MOST_OF_IT]
        _compare(data, wanted * TIMES, f"{TOGETHER} connections at once, each in a thread")


def file_too_short(subject: Subject) -> None:
    for there in (0, 1, 4096, 500_000):
        path = subject.file(content()[:there])
        _cut_short(subject, path, f"a file of {there:,} bytes, of which {FILE_BYTES:,} were promised")


def _cut_short(subject: Subject, path: Path, what: str) -> None:
    """Raises unless send_file raises FileShrankError."""
    with subject.connected() as pair:
        try:
            arrived = subject.answers(pair, path, (0, FILE_BYTES))
        except FileShrankError:
            return
    raise BrokenContractError(f"{what}: it returned as if all had been sent, and {len(arrived):,} bytes arrived")


def cut_while_sending(subject: Subject) -> None:
    """All bytes, where it had read them before; else a true beginning and FileShrankError."""
    wanted = bytes(CLEAR_BYTES) + content() * (LARGE_BYTES // FILE_BYTES)
    path = subject.file(wanted)
    shrank: list[FileShrankError] = []

    def send(server: socket.socket) -> None:
        with opened(path) as fd:
            try:
                subject.send_file(server, fd, 0, len(wanted))
            except FileShrankError as error:
                shrank.append(error)
            finally:
                server.shutdown(socket.SHUT_WR)

    with subject.connected() as (server, client), ThreadPoolExecutor(1) as other:
        sending = other.submit(send, server)
        arrived = client.recv(1000)  # so it is at work, and cannot get far
        os.truncate(path, CUT_AT)
        arrived += b"".join(iter(lambda: client.recv(1 << 18), b""))
        sending.result()
    if shrank:
        _compare(arrived, wanted[: len(arrived)], "before it raised FileShrankError")
    else:
        _compare(arrived, wanted, "it raised no FileShrankError")


def peer_gone(subject: Subject) -> None:
    path = subject.large_file()
    with subject.connected() as (server, client), opened(path) as fd:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # with a reset
        client.close()
        try:
            subject.send_file(server, fd, 0, LARGE_BYTES)
        except (BrokenPipeError, ConnectionResetError):
            return
    raise BrokenContractError("it returned as if all had been sent, though the peer had gone")


def peer_stuck(subject: Subject) -> None:
    path = subject.large_file()
    with subject.connected() as (server, _), opened(path) as fd:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", 0, int(STUCK_S * 1e6)))
        try:
            subject.send_file(server, fd, 0, LARGE_BYTES)
        except BlockingIOError:
            _is_blocking(server)
            return
    raise BrokenContractError("it returned as if all had been sent, though the peer reads nothing")


def _is_blocking(server: socket.socket) -> None:
    if server.gettimeout() is not None or not os.get_blocking(server.fileno()):
        raise BrokenContractError("it left the socket non-blocking, or with a time-out of Python's")


def good(subject: Subject) -> None:
    path = subject.file(content())
    with subject.connected() as pair:
        arrived = subject.answers(pair, path, (3, 777_777))
        _is_blocking(pair[0])
        if pair[0].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise BrokenContractError("it left an error in the socket")
    _compare(arrived, content()[3:777_780], "an answer")


BAD: tuple[Callable[[Subject], None], ...] = (file_too_short, peer_gone, peer_stuck)


def good_after_bad(subject: Subject) -> None:
    """In one thread, as over connections that a thread serves one after the other."""

    def all_of_them() -> None:
        for bad in BAD:
            bad(subject)
            try:
                good(subject)
            except BrokenContractError as error:
                raise BrokenContractError(f"after a bad answer ({bad.__name__.replace('_', ' ')}): {error}") from error

    _in_a_thread(all_of_them)


def nothing_left_open(subject: Subject) -> None:
    _in_a_thread(lambda: good(subject))  # what is made once per process is made now
    descriptors, threads = _open_descriptors(), threading.active_count()
    for answer in chain(*zip([good] * len(BAD), BAD, strict=True)):
        for _ in range(3):
            _in_a_thread(lambda answer=answer: answer(subject))  # type: ignore[misc]
    left = _open_descriptors() - descriptors
    if left:
        kinds = ", ".join(sorted({target.split(":")[0] for _, target in left}))
        raise BrokenContractError(f"{len(left)} descriptors are left open after {6 * len(BAD)} answers: {kinds}")
    if threading.active_count() > threads:
        raise BrokenContractError(f"{threading.active_count() - threads} threads are left behind")


def _open_descriptors() -> set[tuple[str, str]]:
    """Number and what it is, like 7 and socket:[4711]; without the one that lists them."""
    found = set()
    for path in list(DESCRIPTORS.iterdir()):
        with contextlib.suppress(FileNotFoundError):
            found.add((path.name, str(path.readlink())))
    return found


def _in_a_thread(work: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as other:
        other.submit(work).result()


def _compare(arrived: bytes, wanted: bytes, what: str) -> None:
    """Raises BrokenContractError where other bytes arrived."""
    if arrived == wanted:
        return
    both = range(min(len(arrived), len(wanted)))
    right = bisect_left(both, True, key=lambda at: arrived[: at + 1] != wanted[: at + 1])
    if right < len(both):
        found = f"byte {right:,} of {len(wanted):,} is wrong"
    elif len(arrived) < len(wanted):
        found = f"{len(arrived):,} of {len(wanted):,} bytes arrived, and it returned as if all had been sent"
    else:
        found = f"{len(arrived):,} bytes arrived instead of {len(wanted):,}"
    raise BrokenContractError(f"{what}: {found}")
