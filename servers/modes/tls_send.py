"""read + TLS in user space: what encryption costs, and why sendfile is lost to it.

The bytes must come to the process, since that is where OpenSSL encrypts them: read() copies them into the buffer,
OpenSSL writes them encrypted into a buffer of its own, record by record (16 KiB), and write() copies that into the
socket. A sendfile() of the file would put plain text on an encrypted connection; `SSLSocket.sendfile()` is this loop.
"""

import mmap
import os
import socket
import threading

from servers.mode import Copy, FileShrankError, Mode, Option

MODE = Mode(
    name="tls-send",
    port=8095,
    summary="TLS 1.3 in user space: read() into a buffer, OpenSSL encrypts and writes",
    copies=(
        Copy("disk", "page cache", "dma"),
        Copy("page cache", "user buffer", "cpu"),
        Copy("user buffer", "user buffer", "encryption"),
        Copy("user buffer", "socket buffer", "cpu"),
        Copy("socket buffer", "NIC", "dma"),
    ),
    options=(Option("chunk", 256 << 10, "bytes per read() and send()"),),
    tls="user",
)

_per_thread = threading.local()


def send_file(sock: socket.socket, fd: int, offset: int, count: int, *, chunk: int = 256 << 10) -> None:
    buffer = _buffer(chunk)
    while count:
        got = os.preadv(fd, [buffer[:count]], offset)
        if got == 0:
            raise FileShrankError(count)
        sock.sendall(buffer[:got])
        offset += got
        count -= got


def _buffer(chunk: int) -> memoryview:
    """This thread's buffer, page-aligned as read-send's is."""
    if len(getattr(_per_thread, "buffer", b"")) != chunk:
        _per_thread.buffer = memoryview(mmap.mmap(-1, chunk))
    buffer: memoryview = _per_thread.buffer
    return buffer
