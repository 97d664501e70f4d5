"""The modes with special file access: O_DIRECT's alignment, and what stays in the page cache."""

import ctypes
import errno
import os
import socket
import struct
from pathlib import Path

import pytest

from profiles.contract.subject import Pair, opened, received
from servers.modes import direct_send, read_send
from tests.servers.conftest import FILE_BYTES
from tests.servers.probe import skip_if_missing

_CACHESTAT = 451  # the same number on every architecture, Linux 6.5


@pytest.mark.parametrize("block", [1, 4096, 12_288, 1 << 20])
@pytest.mark.parametrize("first", [0, 1, 511, 512, 4095, 4096, 4097, 8191, 990_000])
def test_direct_send_cuts_any_range_out_of_whole_pages(
    pair: Pair, root: Path, content: bytes, block: int, first: int
) -> None:
    skip_if_missing("direct-send")
    with opened(root / "file.bin") as fd:
        for count in (1, 511, 4096, 4097, 9000):
            direct_send.send_file(pair[0], fd, first, count, direct_block=block)
            assert pair[1].recv(count, socket.MSG_WAITALL) == content[first : first + count]
        rest = FILE_BYTES - first
        if block > 1 and rest < 65_536:
            direct_send.send_file(pair[0], fd, first, rest, direct_block=block)
            assert pair[1].recv(rest, socket.MSG_WAITALL) == content[first:]
        assert os.lseek(fd, 0, os.SEEK_CUR) == 0  # the borrowed descriptor is as it was


def cached_pages(fd: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    whole, answer = ctypes.create_string_buffer(struct.pack("=QQ", 0, 0), 16), ctypes.create_string_buffer(40)
    if libc.syscall(ctypes.c_long(_CACHESTAT), ctypes.c_long(fd), whole, answer, ctypes.c_long(0)) != 0:
        pytest.skip(f"cachestat: {errno.errorcode[ctypes.get_errno()]}")
    return int.from_bytes(answer.raw[:8], "little")


@pytest.mark.parametrize(
    ("name", "leaves_pages"), [("direct-send", False), ("read-dontcache", False), ("read-send", True)]
)
def test_what_is_left_in_the_page_cache(pair: Pair, root: Path, content: bytes, name: str, leaves_pages: bool) -> None:
    from servers import discovery

    skip_if_missing(name)
    with opened(root / "file.bin") as fd:
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        if cached_pages(fd):
            pytest.skip("this file system keeps the file in memory")
        assert received(pair, lambda sock: discovery.import_mode(name)[1](sock, fd, 0, FILE_BYTES)) == content
        assert bool(cached_pages(fd)) is leaves_pages


def test_read_send_is_the_one_to_compare_with(root: Path) -> None:
    """read-dontcache differs from it in the flag alone, so their buffers are of one size."""
    from servers.modes import read_dontcache

    sizes = {option.name: option for option in read_send.MODE.options}
    assert read_dontcache.MODE.options == (sizes["chunk"],)
