"""read + TLS in user space: what encryption costs, and why sendfile cannot be used with it.

OpenSSL encrypts in the process: read() copies the bytes into our buffer, OpenSSL encrypts them into its own, record by
record (16 KiB), and write() copies that into the socket. sendfile() would put plain text on the encrypted connection;
`SSLSocket.sendfile()` is this loop.
"""

import os
import socket

from servers.mechanisms import buffers
from servers.mode import Copy, FileShrankError, Mode

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
    options=(buffers.OPTION,),
    tls="user",
)


def send_file(sock: socket.socket, fd: int, offset: int, count: int, *, chunk: int = buffers.CHUNK_BYTES) -> None:
    buffer = buffers.reused(chunk)
    while count:
        got = os.preadv(fd, [buffer[:count]], offset)
        if got == 0:
            raise FileShrankError(count)
        sock.sendall(buffer[:got])
        offset += got
        count -= got
