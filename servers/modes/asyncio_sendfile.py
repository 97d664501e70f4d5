"""asyncio's loop.sock_sendfile, with its silent fallback forbidden.

Its rule: the socket is non-blocking only while its answer is being sent. Each thread has one event loop, as an asyncio
program has, which is closed when the thread ends. A loop would wait for a stuck peer for ever (SO_SNDTIMEO does not
apply to a non-blocking socket), so its selector keeps the send time-out. asyncio is imported late, because other
modes' servers may import this file.
"""

import contextlib
import errno
import io
import os
import selectors
import socket
import threading
import weakref
from typing import TYPE_CHECKING

from servers.mechanisms.timeouts import timed_out, timeout_s
from servers.mode import BY_REFERENCE, FileShrankError, Mode

if TYPE_CHECKING:
    import asyncio

MODE = Mode(
    name="asyncio-sendfile",
    port=8094,
    summary="asyncio's loop.sock_sendfile(): sendfile() whenever the event loop finds the socket writable",
    copies=BY_REFERENCE,
)


class _Impatient(selectors.DefaultSelector):
    """A selector that gives up after limit_s without an event."""

    limit_s: float | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(self.limit_s if timeout is None else timeout)
        if not ready and timeout is None:
            raise timed_out()
        return ready


class _Thread:
    """Lives as long as its thread, since only the thread's own storage refers to it."""


_per_thread = threading.local()


def prepare() -> None:
    import asyncio  # noqa: F401


def send_file(sock: socket.socket, fd: int, offset: int, count: int) -> None:
    if count == 0:  # sock_sendfile() takes no count of 0
        return
    loop = _loop(timeout_s(sock))
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
        return _raise_reason(sock, file, offset, count)
    finally:
        if not task.done():  # the selector gave up: unhook the socket from the loop
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                loop.run_until_complete(task)


def _raise_reason(sock: socket.socket, file: io.FileIO, offset: int, count: int) -> int:
    """Repeat asyncio's call, to raise the OSError that asyncio dropped. Returns 0 if the file has become empty."""
    sent = os.sendfile(sock.fileno(), file.fileno(), offset, count)
    if sent:
        raise OSError(errno.EOPNOTSUPP, "asyncio refused sendfile(), though it works")
    return sent


def _loop(limit_s: float | None) -> "asyncio.AbstractEventLoop":
    """This thread's event loop, which waits at most limit_s for the peer."""
    import asyncio

    if not hasattr(_per_thread, "loop"):
        selector = _Impatient()
        loop = asyncio.SelectorEventLoop(selector)
        _per_thread.loop, _per_thread.selector, _per_thread.end = loop, selector, _Thread()
        # else it keeps three descriptors open until the garbage collector runs: after errors, tasks refer to the loop
        weakref.finalize(_per_thread.end, loop.close).atexit = False
    _per_thread.selector.limit_s = limit_s
    this_threads: asyncio.AbstractEventLoop = _per_thread.loop
    return this_threads
