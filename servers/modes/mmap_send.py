"""mmap + send: the file's pages are mapped, and send() copies straight from the page cache.

No page is ever touched from Python: one that has gone would be SIGBUS (servers/mechanisms/mapping.py).
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
        with mapping.address(fd, offset, size, missing_bytes=count) as address:
            sock.sendall(mapping.buffer_at(address, size))
        offset += size
        count -= size
