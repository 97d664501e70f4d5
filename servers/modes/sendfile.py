"""sendfile(2): page-cache pages go to the socket by reference; the CPU copies nothing."""

import os
import socket

from servers.mode import BY_REFERENCE, FileShrankError, Mode

MODE = Mode(
    name="sendfile",
    port=8082,
    summary="sendfile(): the kernel hands page-cache pages to the socket by reference",
    copies=BY_REFERENCE,
)


def send_file(sock: socket.socket, fd: int, offset: int, count: int) -> None:
    out = sock.fileno()
    while count:  # one call moves at most 0x7ffff000 bytes, sendfile(2), and a signal or a time-out cuts it short
        sent = os.sendfile(out, fd, offset, count)
        if sent == 0:
            raise FileShrankError(count)
        offset += sent
        count -= sent
