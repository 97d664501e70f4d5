"""sendfile(2): page-cache pages go to the socket by reference; the CPU copies nothing."""

import os
import socket
from dataclasses import replace

from servers.mechanisms import buffers
from servers.mode import BY_REFERENCE, FileShrankError, Mode

MOST_BYTES = 1 << 30  # the kernel's own limit is 0x7ffff000, sendfile(2)

MODE = Mode(
    name="sendfile",
    port=8082,
    summary="sendfile(): the kernel hands page-cache pages to the socket by reference",
    copies=BY_REFERENCE,
    options=(replace(buffers.OPTION, default_bytes=MOST_BYTES),),
)


def send_file(sock: socket.socket, fd: int, offset: int, count: int, *, chunk: int = MOST_BYTES) -> None:
    out = sock.fileno()
    while count:  # a signal or a time-out cuts a call short
        sent = os.sendfile(out, fd, offset, min(count, chunk))
        if sent == 0:
            raise FileShrankError(count)
        offset += sent
        count -= sent
