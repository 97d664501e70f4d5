"""The pipe between a file and a socket, for the modes that splice.

Its rule: a pipe belongs to one answer, so that after an error nothing is left in it that a later answer could send; and
none is smaller than was asked for without a word.

Two limits hold without privilege (pipe(7)): the size of one pipe, and the pages of all pipes of a user. Past the second
a new pipe has two pages and cannot grow. A size that somebody chose is then an error; the default becomes smaller, so
that a server with many connections goes on in smaller pieces, and it says so.
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

DEFAULT_BYTES = 1 << 20  # what /proc/sys/fs/pipe-max-size allows everybody as it is shipped
OPTION = Option("pipe", DEFAULT_BYTES, "size of the pipe; more than 1 MiB needs privilege", minimum_bytes=4096)

_LIMITS = Path("/proc/sys/fs")


@dataclass(frozen=True, slots=True)
class Pipe:
    """Its two descriptors, and what it holds: the kernel rounds up to a power of two pages."""

    reading: int
    writing: int
    size_bytes: int


@contextlib.contextmanager
def opened(wanted_bytes: int) -> Iterator[Pipe]:
    """A pipe of at least this size. Raises PermissionError, naming the limit, when there is none to be had."""
    reading, writing = os.pipe()
    try:
        with contextlib.suppress(PermissionError):  # what became of it is asked next
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, wanted_bytes)
        size_bytes = fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ)
        if size_bytes < wanted_bytes:
            if wanted_bytes != DEFAULT_BYTES:
                raise PermissionError(errno.EPERM, f"a pipe of {wanted_bytes} bytes is refused: {_limit(wanted_bytes)}")
            _say_once(f"not every pipe has {wanted_bytes} bytes: {_limit(wanted_bytes)}")
        yield Pipe(reading, writing, size_bytes)
    finally:
        os.close(reading)
        os.close(writing)


def _limit(wanted_bytes: int) -> str:
    """The limit that a pipe of this size meets, and where it can be raised."""
    largest, pages = ((_LIMITS / name).read_text().strip() for name in ("pipe-max-size", "pipe-user-pages-soft"))
    if wanted_bytes > int(largest):
        return f"without privilege one may have {largest} bytes ({_LIMITS}/pipe-max-size)"
    return f"without privilege all pipes of a user may have {pages} pages ({_LIMITS}/pipe-user-pages-soft)"


@functools.cache
def _say_once(text: str) -> None:
    log(text)
