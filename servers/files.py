"""A request path becomes an open descriptor inside the root, or an HTTP error.

Its rule: the kernel resolves the path, and its answer is judged, not the text. The file is first opened with
O_PATH, which touches neither device nor pipe; where it really lies is read from /proc/self/fd (proc(5)). So
`..`, symbolic links and renames in mid-flight need no parsing here.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from errors import UserError
from servers.http import HttpError


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A regular file, open for reading, and its size when it was opened."""

    fd: int
    size_bytes: int


def resolve_root(path: Path) -> bytes:
    """The root as the kernel names it. Raises UserError when it is no directory that can be read."""
    try:
        root = path.resolve(strict=True)
    except OSError as error:
        raise UserError(f"cannot serve {path}: {error.strerror}; give an existing directory with --root") from error
    if not root.is_dir():
        raise UserError(f"cannot serve {path}: it is not a directory; give the directory that holds the files")
    if not os.access(root, os.R_OK | os.X_OK):
        raise UserError(f"cannot serve {path}: permission denied; choose another --root, or change its permissions")
    return os.fsencode(root)


@contextlib.contextmanager
def open_file(root: bytes, path: bytes) -> Iterator[OpenFile]:
    """The regular file at this path below the root, closed at the end.

    Raises HttpError: 404 for what is absent, no regular file or outside the root, 403 for what may not be read,
    503 when descriptors have run out.
    """
    fd = _open_inside(root, path)
    try:
        yield OpenFile(fd, os.fstat(fd).st_size)
    finally:
        os.close(fd)


def _open_inside(root: bytes, path: bytes) -> int:
    if b"\0" in path:
        raise _not_found()
    try:
        place = os.open(root + path, os.O_PATH | os.O_CLOEXEC)
        try:
            link = b"/proc/self/fd/%d" % place
            inside = os.readlink(link).startswith(root.rstrip(b"/") + b"/")  # noqa: PTH115  # bytes, not text
            if not inside or not stat.S_ISREG(os.fstat(place).st_mode):
                raise _not_found()
            return os.open(link, os.O_RDONLY | os.O_CLOEXEC)
        finally:
            os.close(place)
    except PermissionError as error:
        raise HttpError(HTTPStatus.FORBIDDEN, "this file may not be read") from error
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise HttpError(HTTPStatus.SERVICE_UNAVAILABLE, "too many open files", closes=True) from error
        raise _not_found() from error


def _not_found() -> HttpError:
    return HttpError(HTTPStatus.NOT_FOUND, "there is no such file")
