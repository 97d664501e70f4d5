"""preadv2(RWF_DONTCACHE) + send: read through the page cache, and drop the pages that were read in for it.

Its rule: identical to read-send except for the flag. Pages that were cached before stay. A file system without support
(tmpfs) and kernels before 6.14 refuse with EOPNOTSUPP, preadv2(2).
"""

import os
import socket

from servers.mechanisms import buffers
from servers.mode import THROUGH_USER_BUFFER, FileShrankError, Mode

MODE = Mode(
    name="read-dontcache",
    port=8092,
    summary="read() that leaves nothing in the page cache (RWF_DONTCACHE), send() from a reused aligned buffer",
    copies=THROUGH_USER_BUFFER,
    options=(buffers.OPTION,),
)

_RWF_DONTCACHE = 0x80  # include/uapi/linux/fs.h; Python has no name for it


def send_file(sock: socket.socket, fd: int, offset: int, count: int, *, chunk: int = buffers.CHUNK_BYTES) -> None:
    buffer = buffers.reused(chunk)
    whole = [buffer]
    while count:
        got = os.preadv(fd, whole if count >= chunk else [buffer[:count]], offset, _RWF_DONTCACHE)
        if got == 0:
            raise FileShrankError(count)
        sock.sendall(buffer if got == chunk else buffer[:got])
        offset += got
        count -= got
