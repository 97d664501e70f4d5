"""splice(2) through a pipe: pages travel from the page cache to the socket by reference, in two calls.

The pipe is emptied after every filling and belongs to one answer (servers/mechanisms/pipes.py).
"""

import os
import socket

from servers.mechanisms import pipes
from servers.mode import BY_REFERENCE, FileShrankError, Mode

MODE = Mode(
    name="splice",
    port=8085,
    summary="splice() from the file into a pipe, splice() from the pipe into the socket",
    copies=BY_REFERENCE,
    options=(pipes.OPTION,),
)


def send_file(sock: socket.socket, fd: int, offset: int, count: int, *, pipe: int = pipes.DEFAULT_BYTES) -> None:
    out = sock.fileno()
    with pipes.opened(pipe) as between:
        while count:
            filled = os.splice(fd, between.writing, min(between.size_bytes, count), offset_src=offset)
            if filled == 0:
                raise FileShrankError(count)
            offset += filled
            count -= filled
            while filled:
                filled -= os.splice(between.reading, out, filled, flags=os.SPLICE_F_MORE if count else 0)
