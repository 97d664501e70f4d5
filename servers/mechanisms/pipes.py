"""The pipe between a file and a socket, for the modes that splice.

Its rule: a pipe belongs to one answer, so that after an error nothing in it can reach a later answer.

Two limits hold without privilege (pipe(7)): the size of one pipe, and the pages of all pipes of a user. Past the second
a new pipe has two pages and cannot grow. A chosen size is then an error; the default shrinks, with a line in the log,
so that a server with many connections goes on in smaller pieces.
"""

import contextlib
import errno
import fcntl
import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from servers.log import log
from servers.mode import Option

DEFAULT_BYTES = 1 << 20  # what /proc/sys/fs/pipe-max-size allows everybody by default
OPTION = Option("pipe", DEFAULT_BYTES, "size of the pipe; more than 1 MiB needs privilege", minimum_bytes=4096)

_LIMITS = Path("/proc/sys/fs")


@dataclass(frozen=True, slots=True)
class Pipe:
    """Two descriptors and the size: the kernel rounds up to a power of two pages."""

    reading: int
    writing: int
    size_bytes: int


@contextlib.contextmanager
def opened(wanted_bytes: int) -> Iterator[Pipe]:
    """A pipe of at least this size. Raises PermissionError, naming the limit, for a chosen size that is refused."""
    reading, writing = os.pipe()
    try:
        with contextlib.suppress(PermissionError):  # F_GETPIPE_SZ tells the outcome
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, wanted_bytes)
        size_bytes = fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ)
        if size_bytes < wanted_bytes:
            if wanted_bytes != DEFAULT_BYTES:
                raise PermissionError(errno.EPERM, f"a pipe of {wanted_bytes} bytes is refused: {_limit(wanted_bytes)}")
            _log_once(f"some pipes are smaller than {wanted_bytes} bytes: {_limit(wanted_bytes)}")
        yield Pipe(reading, writing, size_bytes)
    finally:
        os.close(reading)
        os.close(writing)


def _limit(wanted_bytes: int) -> str:
    """The limit that a pipe of this size exceeds, and where to raise it."""
    largest, pages = ((_LIMITS / name).read_text().strip() for name in ("pipe-max-size", "pipe-user-pages-soft"))
    if wanted_bytes > int(largest):
        return f"without privilege a pipe may have {largest} bytes ({_LIMITS}/pipe-max-size)"
    return f"without privilege all pipes of a user may have {pages} pages ({_LIMITS}/pipe-user-pages-soft)"


_log_once = functools.cache(log)
