"""mmap + vmsplice(2) + splice(2): mapped pages go into a pipe by reference, and from there into the socket.

Its rule: no page is ever touched from Python (servers/mechanisms/mapping.py), and the pipe is emptied after every filling. Two
traps: there is no signal for when the socket has let go of the pages, so a file that is overwritten while it is being
served is sent as mixed as with sendfile; and the pipe counts pages, not bytes, so a filling that does not start at a
page ends short. Mapping (in windows) and pipe belong to one answer: an error leaves nothing in them.
"""

import ctypes
import os
import socket

from servers.mechanisms import mapping, pipes
from servers.mode import Copy, FileShrankError, Mode

MODE = Mode(
    name="vmsplice",
    port=8086,
    summary="vmsplice() from a mapping of the file into a pipe, splice() from the pipe into the socket",
    copies=(
        Copy("disk", "page cache", "dma"),
        Copy("page cache", "NIC", "dma"),
    ),
    options=(mapping.OPTION, pipes.OPTION),
)


class _Piece(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("address", ctypes.c_void_p), ("size_bytes", ctypes.c_size_t))


_libc = ctypes.CDLL(None, use_errno=True)
_libc.vmsplice.restype = ctypes.c_ssize_t
_libc.vmsplice.argtypes = (ctypes.c_int, ctypes.POINTER(_Piece), ctypes.c_ulong, ctypes.c_uint)


def send_file(
    sock: socket.socket,
    fd: int,
    offset: int,
    count: int,
    *,
    window: int = mapping.DEFAULT_BYTES,
    pipe: int = pipes.DEFAULT_BYTES,
) -> None:
    with pipes.opened(pipe) as between:
        while count:
            size = min(count, window)
            with mapping.address(fd, offset, size, missing_bytes=count) as address:
                _send(sock.fileno(), between, address, size, count)
            offset += size
            count -= size


def _send(out: int, between: pipes.Pipe, address: int, size: int, missing_bytes: int) -> None:
    """Send so many bytes from this address; missing_bytes: what the answer still owes, these included."""
    while size:
        piece = _Piece(address, size)
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
