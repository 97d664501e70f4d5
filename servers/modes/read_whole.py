"""The course's classic: read the whole file into memory, then send it.

Every request pays for memory of the size of its range: fresh pages are zeroed, filled and thrown away.
"""

import socket

from servers.mode import Copy, FileShrankError, Mode

MODE = Mode(
    name="read-whole",
    port=8083,
    summary="read() the whole file into new memory, then send()",
    copies=(
        Copy("disk", "page cache", "dma"),
        Copy("page cache", "user buffer", "cpu"),
        Copy("user buffer", "socket buffer", "cpu"),
        Copy("socket buffer", "NIC", "dma"),
    ),
)


def send_file(sock: socket.socket, fd: int, offset: int, count: int) -> None:
    with open(fd, "rb", closefd=False) as file:
        file.seek(offset)
        data = file.read(count)
    if len(data) < count:
        raise FileShrankError(count - len(data))
    sock.sendall(data)
