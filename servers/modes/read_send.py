"""read + send with one reused, page-aligned buffer: the classic path at its best.

Why aligned: on CPUs whose `rep movsb` is slow when source and destination lie a few bytes apart modulo the
page, a buffer at page + 16, where malloc puts large ones, costs more than twice as much CPU (glibc bug 30994).
A baseline with that buffer would flatter every other path. `--buffer-offset` sets it on purpose.
"""

import mmap
import os
import socket
import threading

from servers.mode import Copy, FileShrankError, Mode, Option

MODE = Mode(
    name="read-send",
    port=8081,
    summary="read() into a reused page-aligned buffer, send() from it",
    copies=(
        Copy("disk", "page cache", "dma"),
        Copy("page cache", "user buffer", "cpu"),
        Copy("user buffer", "socket buffer", "cpu"),
        Copy("socket buffer", "NIC", "dma"),
    ),
    options=(
        Option("chunk", 256 << 10, "bytes per read() and send()"),
        Option("buffer-offset", 0, "where the buffer starts within its memory page", minimum_bytes=0),
    ),
)

_per_thread = threading.local()


def send_file(
    sock: socket.socket, fd: int, offset: int, count: int, *, chunk: int = 256 << 10, buffer_offset: int = 0
) -> None:
    buffer = _buffer(chunk, buffer_offset)
    whole = [buffer]  # slices only where they are needed: at 256 KiB this loop runs 4,096 times per GiB
    while count:
        got = os.preadv(fd, whole if count >= chunk else [buffer[:count]], offset)
        if got == 0:
            raise FileShrankError(count)
        sock.sendall(buffer if got == chunk else buffer[:got])
        offset += got
        count -= got


def _buffer(chunk: int, buffer_offset: int) -> memoryview:
    """This thread's buffer; an anonymous mmap starts on a page boundary."""
    if getattr(_per_thread, "shape", None) != (chunk, buffer_offset):
        area = memoryview(mmap.mmap(-1, buffer_offset + chunk))
        _per_thread.buffer = area[buffer_offset : buffer_offset + chunk]
        _per_thread.shape = (chunk, buffer_offset)
    buffer: memoryview = _per_thread.buffer
    return buffer
