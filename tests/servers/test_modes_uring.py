"""io_uring by hand: refusals come through, broken links lose nothing, time-outs are kept."""

import errno
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiles.contract.subject import Pair, opened
from servers import discovery
from servers.mechanisms import uring
from servers.mode import FileShrankError
from tests.servers.probe import skip_if_missing

URING = ["uring-send-zc", "uring-splice"]


@pytest.fixture
def no_ring_yet() -> Iterator[None]:
    """This thread creates a new ring, in the test and after it."""
    uring._per_thread.__dict__.clear()
    yield
    uring._per_thread.__dict__.clear()


@pytest.mark.parametrize("name", URING)
@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOSYS])
def test_where_io_uring_is_forbidden_the_kernels_answer_comes_through(
    pair: Pair, root: Path, monkeypatch: pytest.MonkeyPatch, no_ring_yet: None, name: str, number: int
) -> None:
    def forbidden(*_: int) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(uring, "_call", forbidden)
    with opened(root / "file.bin") as fd, pytest.raises(OSError) as caught:
        discovery.import_mode(name)[1](pair[0], fd, 0, 1000)
    assert caught.value.errno == number


def test_a_broken_link_loses_nothing_of_what_is_in_the_pipe(pair: Pair, root: Path, content: bytes) -> None:
    """The file ends within a piece: its first half comes out short, and the kernel cancels the second."""
    skip_if_missing("uring-splice")
    os.truncate(root / "file.bin", 30_000)
    with opened(root / "file.bin") as fd, pytest.raises(FileShrankError):
        discovery.import_mode("uring-splice")[1](pair[0], fd, 5, 40_000)
    pair[0].shutdown(socket.SHUT_WR)  # more was announced, so the kernel may still hold it back
    assert pair[1].recv(40_000, socket.MSG_WAITALL) == content[5:30_000]


def test_a_wait_without_completions_ends() -> None:
    skip_if_missing("uring-splice")
    with uring.ring() as ring:
        before_s = time.monotonic()
        assert ring.wait(0.02) == []
        assert time.monotonic() - before_s >= 0.02


def test_a_ring_that_failed_is_closed_and_the_next_one_is_new() -> None:
    skip_if_missing("uring-splice")
    with pytest.raises(KeyError), uring.ring() as failed:
        raise KeyError
    with uring.ring() as ring, uring.ring() as same:
        assert ring is same is not failed
        ring.prepare(uring.SPLICE, -1, source=-1, size=1, tag=7)
        (completion,) = ring.wait(20.0)
        assert (completion.tag, completion.result) == (7, -errno.EBADF)
