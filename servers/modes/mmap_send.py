"""mmap + send: the file's pages are mapped, and send() copies straight from the page cache.

Its rule: no page is ever touched from Python. When a file shrinks, send() fails with EFAULT, where a touch would be
SIGBUS (mmap(2)) and the process's end. The mapping slides over the file in windows, so that memory does not grow with
the file. What is left of a page beyond a new end of file reads as zeros: a cut within the window's last page, after
the window was mapped, cannot be seen.
"""

import errno
import mmap
import socket

from servers.mode import Copy, FileShrankError, Mode, Option

MODE = Mode(
    name="mmap-send",
    port=8084,
    summary="send() from a mapping of the file: one copy by the CPU, out of the page cache",
    copies=(
        Copy("disk", "page cache", "dma"),
        Copy("page cache", "socket buffer", "cpu"),
        Copy("socket buffer", "NIC", "dma"),
    ),
    options=(Option("window", 16 << 20, "bytes of the file mapped at a time", minimum_bytes=mmap.PAGESIZE),),
)

_POPULATED = mmap.MAP_SHARED | mmap.MAP_POPULATE  # one call instead of a page fault for every 64 KiB


def send_file(sock: socket.socket, fd: int, offset: int, count: int, *, window: int = 16 << 20) -> None:
    while count:
        lead = offset % mmap.PAGESIZE  # a mapping starts at a page
        size = min(count, window)
        with (
            _mapped(fd, offset - lead, lead + size, missing_bytes=count) as area,
            memoryview(area) as view,
            view[lead:] as part,
        ):
            try:
                sock.sendall(part)
            except OSError as error:
                if error.errno == errno.EFAULT:  # the pages are gone
                    raise FileShrankError(count) from error
                raise
        offset += size
        count -= size


def _mapped(fd: int, offset: int, length: int, missing_bytes: int) -> mmap.mmap:
    try:
        return mmap.mmap(fd, length, flags=_POPULATED, prot=mmap.PROT_READ, offset=offset)
    except ValueError as error:  # the mmap module has looked: the file ends before offset + length
        raise FileShrankError(missing_bytes) from error
