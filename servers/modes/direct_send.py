"""O_DIRECT + send: the disk writes into our buffer, past the page cache.

Its rule: offset, length and address of every read are multiples of a page, which suits every file system; the bytes
around an unaligned range are read but not sent. The file is opened again through /proc/self/fd, since O_DIRECT set with
F_SETFL would change the borrowed descriptor. Traps, open(2): there is no read-ahead, so each small block pays the
disk's latency; tmpfs accepts the flag and still reads from memory.
"""

import mmap
import os
import socket

from servers.mechanisms import buffers
from servers.mode import Copy, FileShrankError, Mode, Option

MODE = Mode(
    name="direct-send",
    port=8091,
    summary="read() with O_DIRECT into a reused aligned buffer, past the page cache; send() from it",
    copies=(
        Copy("disk", "user buffer", "dma"),
        Copy("user buffer", "socket buffer", "cpu"),
        Copy("socket buffer", "NIC", "dma"),
    ),
    options=(Option("direct-block", 1 << 20, "bytes per O_DIRECT read(), rounded up to whole pages"),),
)


def send_file(sock: socket.socket, fd: int, offset: int, count: int, *, direct_block: int = 1 << 20) -> None:
    buffer = buffers.reused(_whole_pages(direct_block))
    direct = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC)
    try:
        while count:
            lead = offset % mmap.PAGESIZE
            wanted = min(len(buffer), _whole_pages(lead + count))
            got = os.preadv(direct, [buffer[:wanted]], offset - lead)
            useful = min(got - lead, count)
            if useful <= 0:
                if os.fstat(fd).st_size <= offset:
                    raise FileShrankError(count)
                continue  # a read may be short, even shorter than the bytes before the range
            sock.sendall(buffer[lead : lead + useful])
            offset += useful
            count -= useful
    finally:
        os.close(direct)


def _whole_pages(size_bytes: int) -> int:
    return -(-size_bytes // mmap.PAGESIZE) * mmap.PAGESIZE
