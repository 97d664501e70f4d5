"""sendfile() over kernel TLS: the kernel encrypts between the page cache and the socket; no byte enters the process.

OpenSSL does the handshake and hands the keys to the kernel (SSL_OP_ENABLE_KTLS, Documentation/networking/tls.rst),
which then encrypts what is written to the descriptor, by sendfile(2) too. Its rule: without the keys in the kernel it
is an error, because sendfile() would send plain text.
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


require = tls.require_kernel


def send_file(sock: socket.socket, fd: int, offset: int, count: int) -> None:
    require(sock)
    out = sock.fileno()
    while count:
        sent = os.sendfile(out, fd, offset, count)
        if sent == 0:
            raise FileShrankError(count)
        offset += sent
        count -= sent
