"""The contract of a mode, for every mode that is discovered."""

import contextlib
import ctypes
import inspect
import os
import random
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from errors import UsageError
from servers import discovery
from servers.mechanisms import buffers
from servers.mode import FileShrankError, SendFile
from tests.conftest import PROJECT
from tests.servers.probe import connected_pair

Pair = tuple[socket.socket, socket.socket]


def received(pair: Pair, send: Callable[[socket.socket], None]) -> bytes:
    """What arrives at the other end of a socket pair while this is sent."""
    left, right = pair
    parts: list[bytes] = []

    def receive() -> None:
        while data := right.recv(1 << 16):
            parts.append(data)

    thread = threading.Thread(target=receive)
    thread.start()
    try:
        send(left)
    finally:
        left.shutdown(socket.SHUT_WR)
        thread.join()
    return b"".join(parts)


@contextlib.contextmanager
def opened(path: Path) -> Any:
    fd = os.open(path, os.O_RDONLY)
    try:
        yield fd
    finally:
        os.close(fd)


def test_a_mode_is_named_as_its_file(mode_name: str) -> None:
    facts, _ = discovery.import_mode(mode_name)
    assert facts.name == mode_name
    assert mode_name == mode_name.lower()
    assert facts.summary
    assert "%" not in facts.summary  # argparse would take it for a format
    assert (PROJECT / "servers" / "modes" / f"{mode_name.replace('-', '_')}.py").is_file()


def test_names_and_ports_are_one_of_a_kind() -> None:
    modes = list(discovery.discover().values())
    assert len({facts.port for facts in modes}) == len(modes)
    assert [facts.name for facts in sorted(modes, key=lambda facts: facts.port)] == [facts.name for facts in modes]
    assert all(1024 <= facts.port <= 65535 for facts in modes)


def test_the_modes_of_the_course_have_their_ports() -> None:
    ports = {name: facts.port for name, facts in discovery.discover().items()}
    assert {"read-send": 8081, "sendfile": 8082, "read-whole": 8083}.items() <= ports.items()


def test_the_copies_lead_from_the_disk_to_the_network_card(mode_name: str) -> None:
    copies = discovery.discover()[mode_name].copies
    assert copies[0].source == "disk"
    assert copies[-1].destination == "NIC"
    assert [copy.destination for copy in copies[:-1]] == [copy.source for copy in copies[1:]]
    assert copies[0].by == copies[-1].by == "dma"


def test_the_options_are_the_keywords_of_send_file_with_the_same_defaults(mode_name: str) -> None:
    facts, send_file = discovery.import_mode(mode_name)
    parameters = list(inspect.signature(send_file).parameters.values())
    assert [parameter.name for parameter in parameters[:4]] == ["sock", "fd", "offset", "count"]
    keywords = {parameter.name: parameter for parameter in parameters[4:]}
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in keywords.values())
    defaults = {name.replace("_", "-"): parameter.default for name, parameter in keywords.items()}
    assert defaults == {option.name: option.default_bytes for option in facts.options}
    for option in facts.options:
        assert option.minimum_bytes <= option.default_bytes <= option.maximum_bytes
        assert "%" not in option.summary


def test_an_unknown_mode_is_named_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"there is no mode 'telepathy'.*sendfile"):
        discovery.import_mode("telepathy")


@pytest.mark.parametrize("part", [(0, 1_000_003), (0, 1), (1_000_002, 1), (4095, 4098), (999, 262_144), (0, 0)])
def test_exactly_the_bytes_that_were_asked_for_are_sent(
    pair: Pair, root: Path, content: bytes, send_file: SendFile, part: tuple[int, int]
) -> None:
    offset, count = part
    with opened(root / "file.bin") as fd:
        assert received(pair, lambda sock: send_file(sock, fd, offset, count)) == content[offset : offset + count]
        os.fstat(fd)  # borrowed, not closed
    assert pair[0].fileno() >= 0


@pytest.mark.parametrize("file_bytes", [0, 1, 4096, 500_000])
def test_a_file_that_is_too_short_is_an_error(pair: Pair, root: Path, send_file: SendFile, file_bytes: int) -> None:
    os.truncate(root / "file.bin", file_bytes)
    with opened(root / "file.bin") as fd, pytest.raises(FileShrankError):
        received(pair, lambda sock: send_file(sock, fd, 0, 1_000_003))


def test_a_peer_that_has_gone_is_an_error(pair: Pair, root: Path, send_file: SendFile) -> None:
    pair[1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # with a reset
    pair[1].close()
    with opened(root / "file.bin") as fd, pytest.raises((BrokenPipeError, ConnectionResetError)):
        send_file(pair[0], fd, 0, 1_000_003)


def test_short_reads_and_short_sends_lose_nothing(
    pair: Pair, root: Path, content: bytes, send_file: SendFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel may do less than it was asked for at any time; here it always does."""
    rng = random.Random(2)
    sendfile, preadv, splice = os.sendfile, os.preadv, os.splice

    def short_sendfile(out: int, fd: int, offset: int, count: int) -> int:
        return sendfile(out, fd, offset, min(count, rng.randint(1, 9999)))

    def short_preadv(fd: int, buffers: list[memoryview], offset: int, flags: int = 0) -> int:
        return min(preadv(fd, buffers, offset, flags), rng.randint(1, 9999))  # lengths may have to be aligned

    def short_splice(source: int, destination: int, count: int, **options: int) -> int:
        return splice(source, destination, min(count, rng.randint(1, 9999)), **options)

    monkeypatch.setattr(os, "sendfile", short_sendfile)
    monkeypatch.setattr(os, "preadv", short_preadv)
    monkeypatch.setattr(os, "splice", short_splice)
    with opened(root / "file.bin") as fd:
        assert received(pair, lambda sock: send_file(sock, fd, 17, 900_001)) == content[17:900_018]


def test_options_change_the_path_and_not_the_bytes(
    mode_name: str, send_file: SendFile, root: Path, content: bytes
) -> None:
    facts, _ = discovery.import_mode(mode_name)
    for option in facts.options:
        for size_bytes in (option.minimum_bytes + 4095, 65_537, 1 << 20):
            with opened(root / "file.bin") as fd:
                pair = connected_pair(facts)
                options = {option.name.replace("-", "_"): size_bytes}
                got = received(pair, lambda sock, fd=fd, options=options: send_file(sock, fd, 1, 1_000_002, **options))  # type: ignore[misc]
                assert got == content[1:]
                pair[0].close()
                pair[1].close()


def test_the_buffer_of_read_send_lies_where_it_was_asked_to() -> None:
    for offset in (0, 16, 2048):
        buffer = buffers.reused(4096, offset)
        assert len(buffer) == 4096
        assert ctypes.addressof(ctypes.c_char.from_buffer(buffer)) % 4096 == offset
