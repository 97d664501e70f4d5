"""A part of a file as memory, for the modes that send out of a mapping.

Its rule: no page is ever touched from Python. When a file shrinks, the system call that meets the missing pages fails
with EFAULT, which becomes FileShrankError here; a touch would be SIGBUS (mmap(2)) and end the process. The rest of a
page beyond a new end of file reads as zeros, so a cut within the last mapped page cannot be seen. A mode maps window
after window, so that memory does not grow with the file.
"""

import contextlib
import ctypes
import errno
import mmap
import os
from collections.abc import Iterator

from servers.mode import FileShrankError, Option

DEFAULT_BYTES = 16 << 20
OPTION = Option("window", DEFAULT_BYTES, "bytes of the file mapped at a time", minimum_bytes=mmap.PAGESIZE)

_POPULATED = mmap.MAP_SHARED | mmap.MAP_POPULATE  # one call instead of a page fault for every 64 KiB
_MAP_FAILED = ctypes.c_void_p(-1).value

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)


@contextlib.contextmanager
def address(fd: int, offset: int, size: int, missing_bytes: int) -> Iterator[int]:
    """The address of these bytes of the file, which the mmap module does not tell for a read-only mapping.

    Raises FileShrankError(missing_bytes) when they are not there, now or during a system call that reads them.
    """
    if os.fstat(fd).st_size < offset + size:
        raise FileShrankError(missing_bytes)
    lead = offset % mmap.PAGESIZE  # a mapping starts at a page
    start = _libc.mmap(None, lead + size, mmap.PROT_READ, _POPULATED, fd, offset - lead)
    if start == _MAP_FAILED:
        raise OSError(ctypes.get_errno(), f"mmap: {os.strerror(ctypes.get_errno())}")
    try:
        yield start + lead
    except OSError as error:
        if error.errno == errno.EFAULT:
            raise FileShrankError(missing_bytes) from error
        raise
    finally:
        _libc.munmap(start, lead + size)


def buffer_at(address: int, size: int) -> ctypes.Array[ctypes.c_char]:
    """This mapped memory as a buffer for Python's own calls; valid as long as the mapping is."""
    return (ctypes.c_char * size).from_address(address)
