"""read + send with one reused, page-aligned buffer: the classic path at its best.

Why aligned: malloc puts large buffers at page + 16, where some CPUs' `rep movsb` costs more than twice as much CPU
(glibc bug 30994). A baseline with that buffer would flatter every other path. `--buffer-offset` sets it on purpose.
"""

import os
import socket

from servers.mechanisms import buffers
from servers.mode import THROUGH_USER_BUFFER, FileShrankError, Mode, Option

MODE = Mode(
    name="read-send",
    port=8081,
    summary="read() into a reused page-aligned buffer, send() from it",
    copies=THROUGH_USER_BUFFER,
    options=(
        buffers.OPTION,
        Option("buffer-offset", 0, "where the buffer starts within its memory page", minimum_bytes=0),
    ),
)


def send_file(
    sock: socket.socket, fd: int, offset: int, count: int, *, chunk: int = buffers.CHUNK_BYTES, buffer_offset: int = 0
) -> None:
    buffer = buffers.reused(chunk, buffer_offset)
    whole = [buffer]  # sliced only where needed: at 256 KiB this loop runs 4,096 times per GiB
    while count:
        got = os.preadv(fd, whole if count >= chunk else [buffer[:count]], offset)
        if got == 0:
            raise FileShrankError(count)
        sock.sendall(buffer if got == chunk else buffer[:got])
        offset += got
        count -= got
