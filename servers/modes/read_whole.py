"""The course's classic: read the whole file into memory, then send it.

Every request pays for fresh memory of the size of its range: pages are zeroed, filled and thrown away.
"""

import socket

from servers.mode import THROUGH_USER_BUFFER, FileShrankError, Mode

MODE = Mode(
    name="read-whole",
    port=8083,
    summary="read() the whole file into new memory, then send()",
    copies=THROUGH_USER_BUFFER,
)


def send_file(sock: socket.socket, fd: int, offset: int, count: int) -> None:
    with open(fd, "rb", closefd=False) as file:
        file.seek(offset)
        data = file.read(count)
    if len(data) < count:
        raise FileShrankError(count - len(data))
    sock.sendall(data)
