"""mmap + vmsplice(2) + splice(2): mapped pages go into a pipe by reference, and from there into the socket.

Its rule: no page is ever touched from Python. When a file shrinks, vmsplice() fails with EFAULT, where a touch would be
SIGBUS. Two traps: there is no signal for when the socket has let go of the pages, so a file that is overwritten while
it is being served is sent as mixed as with sendfile; and the pipe counts pages, not bytes, so a filling that does not
start at a page ends short. Mapping (in windows) and pipe belong to one answer: an error leaves nothing in them.
"""

import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import socket
from collections.abc import Iterator

from servers.mode import Copy, FileShrankError, Mode, Option

MODE = Mode(
    name="vmsplice",
    port=8086,
    summary="vmsplice() from a mapping of the file into a pipe, splice() from the pipe into the socket",
    copies=(
        Copy("disk", "page cache", "dma"),
        Copy("page cache", "NIC", "dma"),
    ),
    options=(
        Option("window", 16 << 20, "bytes of the file mapped at a time", minimum_bytes=mmap.PAGESIZE),
        Option("pipe", 1 << 20, "size of the pipe; more than 1 MiB needs privilege", minimum_bytes=4096),
    ),
)

_UNPRIVILEGED_BYTES = 1 << 20  # /proc/sys/fs/pipe-max-size as it is shipped
_POPULATED = mmap.MAP_SHARED | mmap.MAP_POPULATE
_MAP_FAILED = ctypes.c_void_p(-1).value


class _Piece(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("address", ctypes.c_void_p), ("size_bytes", ctypes.c_size_t))


_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_libc.vmsplice.restype = ctypes.c_ssize_t
_libc.vmsplice.argtypes = (ctypes.c_int, ctypes.POINTER(_Piece), ctypes.c_ulong, ctypes.c_uint)


def send_file(
    sock: socket.socket, fd: int, offset: int, count: int, *, window: int = 16 << 20, pipe: int = 1 << 20
) -> None:
    with _pipe(pipe) as (reading, writing):
        while count:
            size = min(count, window)
            if os.fstat(fd).st_size < offset + size:
                raise FileShrankError(count)
            with _mapped(fd, offset, size) as address:
                _send(sock.fileno(), reading, writing, address, size, count)
            offset += size
            count -= size


def _send(out: int, reading: int, writing: int, address: int, size: int, missing_bytes: int) -> None:
    """Send so many bytes from this address; missing_bytes: what the answer still owes, these included."""
    while size:
        piece = _Piece(address, size)
        filled = _libc.vmsplice(writing, ctypes.byref(piece), 1, 0)  # as much as the empty pipe holds
        if filled <= 0:
            if filled == 0 or ctypes.get_errno() == errno.EFAULT:  # the pages are gone
                raise FileShrankError(missing_bytes)
            _raise_errno("vmsplice")
        address += filled
        size -= filled
        missing_bytes -= filled
        while filled:
            filled -= os.splice(reading, out, filled, flags=os.SPLICE_F_MORE if missing_bytes else 0)


@contextlib.contextmanager
def _mapped(fd: int, offset: int, size: int) -> Iterator[int]:
    """The address of these bytes of the file. Unlike the mmap module's object, it can be had of a read-only mapping."""
    lead = offset % mmap.PAGESIZE
    start = _libc.mmap(None, lead + size, mmap.PROT_READ, _POPULATED, fd, offset - lead)
    if start == _MAP_FAILED:
        _raise_errno("mmap")
    try:
        yield start + lead
    finally:
        _libc.munmap(start, lead + size)


@contextlib.contextmanager
def _pipe(wanted_bytes: int) -> Iterator[tuple[int, int]]:
    """A pipe of this size, or as the kernel gives it past the user's share of pipe pages (EPERM, pipe(7))."""
    reading, writing = os.pipe()
    try:
        try:
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, wanted_bytes)
        except PermissionError:
            if wanted_bytes > _UNPRIVILEGED_BYTES:
                raise
        yield reading, writing
    finally:
        os.close(reading)
        os.close(writing)


def _raise_errno(call: str) -> None:
    number = ctypes.get_errno()
    raise OSError(number, f"{call}: {os.strerror(number)}")
