"""mmap + vmsplice(2) + splice(2): mapped pages go into a pipe by reference, and from there into the socket.

No page is ever touched from Python (servers/mechanisms/mapping.py), and the pipe is emptied after every filling. Two
traps: nothing signals when the socket has let go of the pages, so a file that is overwritten meanwhile is sent mixed,
as with sendfile; and a pipe counts pages, not bytes, so a filling that starts within a page ends short.
"""

import ctypes
import os
import socket

from servers.mechanisms import mapping, pipes
from servers.mode import BY_REFERENCE, FileShrankError, Mode

MODE = Mode(
    name="vmsplice",
    port=8086,
    summary="vmsplice() from a mapping of the file into a pipe, splice() from the pipe into the socket",
    copies=BY_REFERENCE,
    options=(mapping.OPTION, pipes.OPTION),
)


_Iovec = ctypes.c_size_t * 2  # struct iovec: address and size
_libc = ctypes.CDLL(None, use_errno=True)
_libc.vmsplice.restype = ctypes.c_ssize_t
_libc.vmsplice.argtypes = (ctypes.c_int, ctypes.POINTER(_Iovec), ctypes.c_ulong, ctypes.c_uint)


def send_file(
    sock: socket.socket, fd: int, offset: int, count: int, *, window: int = mapping.DEFAULT_BYTES, pipe: int = 1 << 20
) -> None:
    with pipes.opened(pipe) as between:
        while count:
            size = min(count, window)
            with mapping.address(fd, offset, size, missing_bytes=count) as address:
                _send(sock.fileno(), between, address, size, count)
            offset += size
            count -= size


def _send(out: int, between: pipes.Pipe, address: int, size: int, missing_bytes: int) -> None:
    """Send these mapped bytes; missing_bytes: what the answer still owes, these included."""
    while size:
        piece = _Iovec(address, size)
        filled = _libc.vmsplice(between.writing, ctypes.byref(piece), 1, 0)  # as much as the empty pipe holds
        if filled == 0:  # the pages are gone
            raise FileShrankError(missing_bytes)
        if filled < 0:
            raise OSError(ctypes.get_errno(), f"vmsplice: {os.strerror(ctypes.get_errno())}")
        address += filled
        size -= filled
        missing_bytes -= filled
        while filled:
            filled -= os.splice(between.reading, out, filled, flags=os.SPLICE_F_MORE if missing_bytes else 0)
