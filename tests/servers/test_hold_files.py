"""A file that changes while it is served: the bytes of one version in full, or the connection closed. Every mode.

What no server can promise that sends by reference: once send_file has returned, up to some MiB of pages are still on
their way, and whoever writes to the file then writes to them. Replace a file by rename() and nothing is ever mixed.
"""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.raw import Connection, get, head

LARGE_BYTES = (8 << 20) + 1003  # more than the kernel keeps for a peer that does not read
FIRST, SECOND = (random.Random(seed).randbytes(LARGE_BYTES) for seed in (1, 2))


@pytest.fixture
def changing(root: Path) -> Path:
    path = root / "changing"
    path.write_bytes(FIRST)
    os.utime(path, (0, 0))  # whatever the file system's clock: a change shows
    return path


def cut_within_the_last_page(path: Path) -> None:
    os.truncate(path, LARGE_BYTES - 7)


def cut_within_a_page(path: Path) -> None:
    os.truncate(path, LARGE_BYTES // 2 + 1234)


def rewrite(path: Path) -> None:
    """As an editor does that keeps the inode, with as many bytes as before."""
    with path.open("r+b") as file:
        file.write(SECOND)


def copy_over(path: Path) -> None:
    """As cp does: cut to nothing, then written."""
    path.write_bytes(SECOND)


def replace(path: Path) -> None:
    beside = path.with_name("beside")
    beside.write_bytes(SECOND)
    beside.rename(path)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(SECOND)


def delete(path: Path) -> None:
    path.unlink()


Change = Callable[[Path], None]


def download_during(port: int, path: Path, change: Change) -> tuple[bytes, bool]:
    """What arrives of a file that is changed when its head and little more has; and whether the connection ended."""
    with Connection(port, receive_buffer_bytes=16 << 10) as connection:
        connection.sock.sendall(head("/changing"))
        status, headers = connection.response_head()
        assert (status, int(headers["content-length"])) == (200, LARGE_BYTES)
        change(path)
        body = connection.body(LARGE_BYTES)
        return body, len(body) < LARGE_BYTES and connection.ended()


@pytest.mark.parametrize("change", [cut_within_the_last_page, cut_within_a_page, rewrite, copy_over])
def test_a_change_in_place_is_never_a_success_with_wrong_bytes(port: int, changing: Path, change: Change) -> None:
    body, ended = download_during(port, changing, change)
    assert ended or body == FIRST
    whole = changing.read_bytes()
    assert get(port, "/changing").body == whole


@pytest.mark.parametrize("change", [replace, grow, delete])
def test_a_change_beside_it_leaves_the_download_whole(port: int, changing: Path, change: Change) -> None:
    body, ended = download_during(port, changing, change)
    assert body == FIRST
    assert not ended
    response = get(port, "/changing")
    if change is delete:
        assert response.status == 404
    else:
        assert response.body == changing.read_bytes()
