"""sendfile() over kernel TLS: the kernel encrypts on the way from the page cache to the socket, nothing comes to us.

OpenSSL shakes hands and gives the keys to the kernel (SSL_OP_ENABLE_KTLS, Documentation/networking/tls.rst); from then
on whatever is written to the descriptor is encrypted there, by sendfile(2) too. Its rule: the keys are the kernel's, or
it is an error. Where the `tls` module is missing OpenSSL encrypts by itself, and sendfile() would send plain text.
"""

import os
import socket

from servers.mechanisms import tls
from servers.mode import Copy, FileShrankError, Mode

MODE = Mode(
    name="ktls-sendfile",
    port=8096,
    summary="TLS 1.3 in the kernel: sendfile() encrypts from the page cache into the socket",
    copies=(
        Copy("disk", "page cache", "dma"),
        Copy("page cache", "socket buffer", "encryption"),
        Copy("socket buffer", "NIC", "dma"),
    ),
    tls="kernel",
)


def require(sock: socket.socket) -> None:
    tls.require_kernel(sock)


def send_file(sock: socket.socket, fd: int, offset: int, count: int) -> None:
    require(sock)
    out = sock.fileno()
    while count:
        sent = os.sendfile(out, fd, offset, count)
        if sent == 0:
            raise FileShrankError(count)
        offset += sent
        count -= sent
