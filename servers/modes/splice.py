"""splice(2) through a pipe: pages travel from the page cache to the socket by reference, in two calls.

Its rule: the pipe is emptied after every filling and belongs to one answer, so that after an error nothing is left in
it that a later answer could send.
"""

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator

from servers.mode import Copy, FileShrankError, Mode, Option

MODE = Mode(
    name="splice",
    port=8085,
    summary="splice() from the file into a pipe, splice() from the pipe into the socket",
    copies=(
        Copy("disk", "page cache", "dma"),
        Copy("page cache", "NIC", "dma"),
    ),
    options=(Option("pipe", 1 << 20, "size of the pipe; more than 1 MiB needs privilege", minimum_bytes=4096),),
)

_UNPRIVILEGED_BYTES = 1 << 20  # /proc/sys/fs/pipe-max-size as it is shipped


def send_file(sock: socket.socket, fd: int, offset: int, count: int, *, pipe: int = 1 << 20) -> None:
    out = sock.fileno()
    with _pipe(pipe) as (reading, writing, size):
        while count:
            filled = os.splice(fd, writing, min(size, count), offset_src=offset)
            if filled == 0:
                raise FileShrankError(count)
            offset += filled
            count -= filled
            while filled:
                filled -= os.splice(reading, out, filled, flags=os.SPLICE_F_MORE if count else 0)


@contextlib.contextmanager
def _pipe(wanted_bytes: int) -> Iterator[tuple[int, int, int]]:
    """A pipe and its size, which the kernel rounds up to a power of two.

    Past the user's share of pipe pages a new pipe is small and cannot grow (EPERM, pipe(7)): the path stays the same
    then, in smaller pieces.
    """
    reading, writing = os.pipe()
    try:
        try:
            size = fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, wanted_bytes)
        except PermissionError:
            if wanted_bytes > _UNPRIVILEGED_BYTES:
                raise
            size = fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ)
        yield reading, writing, size
    finally:
        os.close(reading)
        os.close(writing)
