"""Say in a line what this data path does, and below it what is special.

`make lab-check NAME=mine` tries it, step by step. servers/modes/ has others to read; start with read_send.py.
"""

import os
import socket

from servers.mode import BY_REFERENCE, THROUGH_USER_BUFFER, Copy, FileShrankError, Mode, Option

MODE = Mode(
    name="mine",  # as the file's name, with dashes for underscores
    port=8097,  # where `make servers MODES=mine` serves it
    summary="a few words for lists and reports",
    # The model that the proof is held against: every step of a byte from the disk to the network card. Two are ready:
    # THROUGH_USER_BUFFER (read, then send: two copies by the CPU) and BY_REFERENCE (none). Others are written out:
    # copies=(Copy("disk", "page cache", "dma"), Copy("page cache", "socket buffer", "cpu"), …),
    copies=THROUGH_USER_BUFFER,
    # Sizes that change the path, if any; each is a keyword of send_file, too, with the same default:
    # options=(Option("chunk", 256 << 10, "bytes per read()"),),  and  def send_file(…, *, chunk: int = 256 << 10)
)


def send_file(sock: socket.socket, fd: int, offset: int, count: int) -> None:
    """Send exactly `count` bytes of the file `fd`, from byte `offset` on, to `sock`, or raise.

    - `sock` is a connected TCP socket that blocks; `fd` is open for reading. Both are borrowed: close neither.
    - Every call may do less than it was asked for. What it returns says how much: go on from there.
    - The file may end early, as somebody may cut it: raise FileShrankError(how many bytes are missing).
    - An OSError of the peer or the kernel goes through: do not catch it.
    - Several threads call it at once, each with a socket and a file of its own. Leave nothing open behind.
    """
    raise NotImplementedError("send_file is to be written")
