"""read + TLS in user space: what encryption costs, and why sendfile is lost to it.

The bytes must come to the process, since that is where OpenSSL encrypts them: read() copies them into the buffer,
OpenSSL writes them encrypted into a buffer of its own, record by record (16 KiB), and write() copies that into the
socket. A sendfile() of the file would put plain text on an encrypted connection; `SSLSocket.sendfile()` is this loop.
"""

import os
import socket

from servers.mechanisms import buffers
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


def send_file(sock: socket.socket, fd: int, offset: int, count: int, *, chunk: int = 256 << 10) -> None:
    buffer = buffers.reused(chunk)
    while count:
        got = os.preadv(fd, [buffer[:count]], offset)
        if got == 0:
            raise FileShrankError(count)
        sock.sendall(buffer[:got])
        offset += got
        count -= got
