"""preadv2(RWF_DONTCACHE) + send: read through the page cache, and drop there what was brought in for it.

Its rule: as read-send in everything but the flag, so that the two differ in nothing else. Pages that were cached
before stay; a file system that does not know the flag (tmpfs) refuses with EOPNOTSUPP, an older kernel than 6.14 with
EOPNOTSUPP too, preadv2(2).
"""

import os
import socket

from servers.mechanisms import buffers
from servers.mode import Copy, FileShrankError, Mode, Option

MODE = Mode(
    name="read-dontcache",
    port=8092,
    summary="read() that leaves nothing in the page cache (RWF_DONTCACHE), send() from a reused aligned buffer",
    copies=(
        Copy("disk", "page cache", "dma"),
        Copy("page cache", "user buffer", "cpu"),
        Copy("user buffer", "socket buffer", "cpu"),
        Copy("socket buffer", "NIC", "dma"),
    ),
    options=(Option("chunk", 256 << 10, "bytes per read() and send()"),),
)

_RWF_DONTCACHE = 0x80  # include/uapi/linux/fs.h; Python has no name for it


def send_file(sock: socket.socket, fd: int, offset: int, count: int, *, chunk: int = 256 << 10) -> None:
    buffer = buffers.reused(chunk)
    whole = [buffer]
    while count:
        got = os.preadv(fd, whole if count >= chunk else [buffer[:count]], offset, _RWF_DONTCACHE)
        if got == 0:
            raise FileShrankError(count)
        sock.sendall(buffer if got == chunk else buffer[:got])
        offset += got
        count -= got
