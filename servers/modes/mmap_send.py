"""mmap + send: the file's pages are mapped, and send() copies straight from the page cache.

Its rule: no page is ever touched from Python, since one that has gone is SIGBUS (servers/mechanisms/mapping.py). The mapping
slides over the file in windows, so that memory does not grow with the file.
"""

import socket

from servers.mechanisms import mapping
from servers.mode import Copy, Mode

MODE = Mode(
    name="mmap-send",
    port=8084,
    summary="send() from a mapping of the file: one copy by the CPU, out of the page cache",
    copies=(
        Copy("disk", "page cache", "dma"),
        Copy("page cache", "socket buffer", "cpu"),
        Copy("socket buffer", "NIC", "dma"),
    ),
    options=(mapping.OPTION,),
)


def send_file(sock: socket.socket, fd: int, offset: int, count: int, *, window: int = mapping.DEFAULT_BYTES) -> None:
    while count:
        size = min(count, window)
        with mapping.view(fd, offset, size, missing_bytes=count) as part:
            sock.sendall(part)
        offset += size
        count -= size
