"""asyncio's loop.sock_sendfile, with its silent fallback forbidden.

Its rule: the socket is non-blocking only while its answer is being sent, whatever happens. One event loop per thread,
as an asyncio program has one, and it ends with the thread. A loop waits for a stuck peer for ever (SO_SNDTIMEO means
nothing to a non-blocking socket), so its selector gives up when the peer takes nothing for that long. asyncio is
imported with the first answer, since the servers of all modes import this file.
"""

import contextlib
import errno
import io
import os
import selectors
import socket
import struct
import sys
import threading
from typing import TYPE_CHECKING

from servers.mode import Copy, FileShrankError, Mode

if TYPE_CHECKING:
    import asyncio

MODE = Mode(
    name="asyncio-sendfile",
    port=8094,
    summary="asyncio's loop.sock_sendfile(): sendfile() whenever the event loop finds the socket writable",
    copies=(
        Copy("disk", "page cache", "dma"),
        Copy("page cache", "NIC", "dma"),
    ),
)


class _Impatient(selectors.DefaultSelector):
    """A selector that waits so long and no longer for something to happen."""

    limit_s: float | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(self.limit_s if timeout is None else timeout)
        if not ready and timeout is None:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return ready


class _ClosedWithTheThread:
    """Closes a thread's loop, which would keep three descriptors open if it were only forgotten.

    Nothing but the thread's own storage refers to it: after an error, tasks and frames refer to the loop and to each
    other until the garbage collector comes by.
    """

    def __init__(self, loop: "asyncio.AbstractEventLoop") -> None:
        self._loop = loop

    def __del__(self) -> None:
        if not sys.is_finalizing():  # then the modules that close() needs are gone, and so are the descriptors soon
            self._loop.close()


_per_thread = threading.local()


def send_file(sock: socket.socket, fd: int, offset: int, count: int) -> None:
    if count == 0:  # sock_sendfile() takes no count of 0
        return
    limit_s = _send_timeout_s(sock)
    loop = _loop(limit_s)
    with io.FileIO(fd, closefd=False) as file:
        sock.setblocking(False)
        try:
            sent = _run(loop, sock, file, offset, count)
        finally:
            sock.setblocking(True)
    if sent < count:
        raise FileShrankError(count - sent)


def _run(loop: "asyncio.AbstractEventLoop", sock: socket.socket, file: io.FileIO, offset: int, count: int) -> int:
    import asyncio

    task = loop.create_task(loop.sock_sendfile(sock, file, offset, count, fallback=False))
    try:
        return loop.run_until_complete(task)
    except asyncio.SendfileNotAvailableError:
        return _ask_why(sock, file, offset, count)
    finally:
        if not task.done():  # the selector gave up: unhook the socket from the loop
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                loop.run_until_complete(task)


def _ask_why(sock: socket.socket, file: io.FileIO, offset: int, count: int) -> int:
    """Call what asyncio called: it raises the OSError that was dropped. 0: the file has become empty."""
    sent = os.sendfile(sock.fileno(), file.fileno(), offset, count)
    if sent:
        raise OSError(errno.EOPNOTSUPP, "asyncio refused sendfile(), though it works")
    return sent


def _loop(limit_s: float | None) -> "asyncio.AbstractEventLoop":
    """This thread's, which waits no longer than this for the peer."""
    import asyncio

    if not hasattr(_per_thread, "loop"):
        selector = _Impatient()
        loop = asyncio.SelectorEventLoop(selector)
        _per_thread.loop, _per_thread.selector, _per_thread.end = loop, selector, _ClosedWithTheThread(loop)
    _per_thread.selector.limit_s = limit_s
    this_threads: asyncio.AbstractEventLoop = _per_thread.loop
    return this_threads


def _send_timeout_s(sock: socket.socket) -> float | None:
    seconds, microseconds = struct.unpack("@ll", sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16))
    return seconds + microseconds / 1e6 or None
