"""A file that changes while it is served: one version arrives in full, or the connection is closed. Every mode.

A limit of sending by reference: after send_file has returned, some MiB of pages may still be on their way, and a write
to the file changes them. Replacing a file by rename() never mixes versions.
"""

import os
import random
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import eventually
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


def rewrite_and_hide_it(path: Path) -> None:
    """As `rsync --inplace --times` does, and whoever sets the old times again: only the time of change is left."""
    times = path.stat()
    let_time_pass(path)
    rewrite(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert path.stat().st_mtime_ns == times.st_mtime_ns


def let_time_pass(path: Path) -> None:
    """Until the clock of file times, which ticks some hundred times a second, shows a later moment."""
    changed_ns, beside = path.stat().st_ctime_ns, path.with_name("clock")

    def ticked() -> bool:
        beside.write_bytes(b"tick")
        return beside.stat().st_ctime_ns > changed_ns

    eventually(ticked)


def replace(path: Path) -> None:
    beside = path.with_name("beside")
    beside.write_bytes(SECOND)
    beside.rename(path)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(SECOND)


def delete(path: Path) -> None:
    path.unlink()


def link(path: Path) -> None:
    path.with_name("another name").hardlink_to(path)


Change = Callable[[Path], None]


def download_during(port: int, path: Path, change: Change) -> tuple[bytes, bool]:
    """What arrives of a file that is changed when its head and little more has; and whether the connection ended."""
    with Connection(port, receive_buffer_bytes=16 << 10) as connection:
        connection.sock.sendall(head("/changing"))
        status, headers = connection.response_head()
        assert (status, int(headers["content-length"])) == (200, LARGE_BYTES)
        change(path)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)  # fast from here on
        body = connection.body(LARGE_BYTES)
        return body, len(body) < LARGE_BYTES and connection.ended()


IN_PLACE = [cut_within_the_last_page, cut_within_a_page, rewrite, copy_over, rewrite_and_hide_it]


@pytest.mark.parametrize("change", IN_PLACE)
def test_a_change_in_place_is_never_a_success_with_wrong_bytes(port: int, changing: Path, change: Change) -> None:
    body, ended = download_during(port, changing, change)
    assert ended or body == FIRST
    whole = changing.read_bytes()
    assert get(port, "/changing").body == whole


@pytest.mark.parametrize("change", [replace, grow, delete, link])
def test_a_change_beside_it_leaves_the_download_whole(port: int, changing: Path, change: Change) -> None:
    body, ended = download_during(port, changing, change)
    assert body == FIRST
    assert not ended
    response = get(port, "/changing")
    if change is delete:
        assert response.status == 404
    else:
        assert response.body == changing.read_bytes()
