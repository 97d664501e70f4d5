"""What a mode leaves behind after an answer, good or bad: nothing, and the socket as it was."""

import os
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from servers import discovery
from servers.mode import FileShrankError, SendFile
from tests.servers.probe import connected_pair, mode_of
from tests.servers.raw import Connection
from tests.servers.test_modes import opened, received

LARGE_BYTES = 32 << 20  # more than the kernel keeps for a peer that does not read


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # the numbers alone


def set_send_timeout(sock: socket.socket, microseconds: int) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", 0, microseconds))


def good(send_file: SendFile, path: Path) -> None:
    pair = connected_pair(mode_of(send_file))
    with pair[0], pair[1], opened(path) as fd:
        assert len(received(pair, lambda sock: send_file(sock, fd, 5, 300_001))) == 300_001


def shrunk(send_file: SendFile, path: Path) -> None:
    pair = connected_pair(mode_of(send_file))
    with pair[0], pair[1], opened(path) as fd, pytest.raises(FileShrankError):
        received(pair, lambda sock: send_file(sock, fd, LARGE_BYTES - 200_000, 300_000))


def gone(send_file: SendFile, path: Path) -> None:
    left, right = connected_pair(mode_of(send_file))
    right.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    right.close()
    with left, opened(path) as fd, pytest.raises((BrokenPipeError, ConnectionResetError)):
        send_file(left, fd, 0, LARGE_BYTES)


def stuck(send_file: SendFile, path: Path) -> None:
    left, right = connected_pair(mode_of(send_file))
    set_send_timeout(left, 20_000)
    with left, right, opened(path) as fd:
        with pytest.raises(BlockingIOError):
            send_file(left, fd, 0, LARGE_BYTES)
        assert left.gettimeout() is None
        assert os.get_blocking(left.fileno())


ANSWERS = (good, shrunk, gone, stuck)


def in_a_thread(work: Callable[[], None]) -> None:
    """As the server does; an exception fails the test (no_thread_fails)."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_descriptors_are_given_back_when_the_thread_ends(send_file: SendFile, large: Path) -> None:
    in_a_thread(lambda: good(send_file, large))  # whatever is made once per process is made now
    before = open_files()
    for answer in ANSWERS:
        for _ in range(3):
            in_a_thread(lambda answer=answer: answer(send_file, large))  # type: ignore[misc]
    assert open_files() == before


def test_a_bad_answer_does_not_spoil_the_next_one_of_the_same_thread(
    send_file: SendFile, large: Path, root: Path, content: bytes
) -> None:
    def answers() -> None:
        for answer in ANSWERS:
            answer(send_file, large)
            pair = connected_pair(mode_of(send_file))
            with pair[0], pair[1], opened(root / "file.bin") as fd:
                assert received(pair, lambda sock, fd=fd: send_file(sock, fd, 3, 777_777)) == content[3:777_780]  # type: ignore[misc]

    in_a_thread(answers)


def test_the_socket_is_blocking_afterwards(pair: tuple[socket.socket, socket.socket], send_file: SendFile) -> None:
    with opened(Path(__file__)) as fd:
        set_send_timeout(pair[0], 500_000)
        send_file(pair[0], fd, 0, 1000)
        assert pair[0].gettimeout() is None
        assert os.get_blocking(pair[0].fileno())
        assert pair[0].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_a_file_cut_while_it_is_being_sent_is_an_error_and_not_the_end(
    pair: tuple[socket.socket, socket.socket], mode_name: str, send_file: SendFile, large: Path
) -> None:
    """Mapped pages that have gone raise SIGBUS in whoever touches them, which would end these tests."""
    if mode_name == "read-whole":
        pytest.skip("read-whole has read the file before it sends")
    left, right = pair
    raised: list[Exception] = []

    def send() -> None:
        with opened(large) as fd:
            try:
                send_file(left, fd, 0, LARGE_BYTES)
            except FileShrankError as error:
                raised.append(error)
            left.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=send)
    thread.start()
    got = len(right.recv(1000))  # so the sender is at work, and it cannot get far
    os.truncate(large, 5000)
    while data := right.recv(1 << 20):
        got += len(data)
        assert not data.strip(b"\0")
    thread.join()
    assert raised
    assert got < LARGE_BYTES


def test_three_downloads_over_one_connection(port: int, content: bytes) -> None:
    with Connection(port) as connection:
        for _ in range(3):
            assert connection.get().body == content
        assert connection.get("/file.bin", "Range: bytes=4097-12290").body == content[4097:12291]


def test_an_option_of_one_name_is_the_same_in_every_mode() -> None:
    """The command line has it once: one summary and one range; defaults are the modes' own."""
    every = (option for facts in discovery.discover().values() for option in facts.options)
    options = {replace(option, default_bytes=0) for option in every}
    assert len({option.name for option in options}) == len(options)
