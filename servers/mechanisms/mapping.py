"""A part of a file as memory, for the modes that send out of a mapping.

Its rule: no page is ever touched from Python. When a file shrinks, the system call that meets the missing pages fails
with EFAULT, which becomes FileShrankError here, where a touch would be SIGBUS (mmap(2)) and the process's end. What is
left of a page beyond a new end of file reads as zeros: a cut within the last page of a part, after it was mapped,
cannot be seen. A mode maps part after part, so that memory does not grow with the file.
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
def view(fd: int, offset: int, size: int, missing_bytes: int) -> Iterator[memoryview]:
    """These bytes of the file, for Python's calls. Raises FileShrankError(missing_bytes) when they are not there."""
    lead = offset % mmap.PAGESIZE  # a mapping starts at a page
    try:
        area = mmap.mmap(fd, lead + size, flags=_POPULATED, prot=mmap.PROT_READ, offset=offset - lead)
    except ValueError as error:  # the mmap module has looked: the file ends before that
        raise FileShrankError(missing_bytes) from error
    with _gone_pages_explained(missing_bytes), area, memoryview(area) as whole, whole[lead:] as part:
        yield part


@contextlib.contextmanager
def address(fd: int, offset: int, size: int, missing_bytes: int) -> Iterator[int]:
    """The address of these bytes, for calls that Python has not: the mmap module gives none of a read-only mapping.

    Raises FileShrankError(missing_bytes) when they are not there.
    """
    if os.fstat(fd).st_size < offset + size:
        raise FileShrankError(missing_bytes)
    lead = offset % mmap.PAGESIZE
    start = _libc.mmap(None, lead + size, mmap.PROT_READ, _POPULATED, fd, offset - lead)
    if start == _MAP_FAILED:
        raise OSError(ctypes.get_errno(), f"mmap: {os.strerror(ctypes.get_errno())}")
    try:
        with _gone_pages_explained(missing_bytes):
            yield start + lead
    finally:
        _libc.munmap(start, lead + size)


@contextlib.contextmanager
def _gone_pages_explained(missing_bytes: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.EFAULT:
            raise FileShrankError(missing_bytes) from error
        raise
