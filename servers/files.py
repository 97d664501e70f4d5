"""Opens the file at a request path inside the root, or raises an HTTP error.

Its rule: the kernel resolves the path, and the result is checked, not the text. Devices and pipes are not opened, since
opening can have effects. Where the open file lies is read from /proc/self/fd (proc(5)), and its type from its
descriptor, so `..`, symbolic links and concurrent renames need no parsing.
"""

import errno
import os
import stat
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from errors import UserError
from servers.http.responses import HttpError, unavailable
from servers.log import log

_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK  # NONBLOCK: for a pipe put there after stat()
_MOST_PATHS = 20
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})


class FileChangedError(Exception):
    """The bytes sent may mix two versions of the file: the answer must not be completed."""

    def __init__(self) -> None:
        super().__init__("the file was changed while it was being sent")


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A regular file, open for reading. facts and where: its status and its path when it was opened."""

    fd: int
    facts: os.stat_result
    where: bytes

    @property
    def size_bytes(self) -> int:
        return self.facts.st_size

    @property
    def identity(self) -> tuple[int, ...]:
        """Which file it is, and its last change of any kind: of content, permissions or name."""
        return _identity(self.facts)

    def check_unchanged(self) -> None:
        """Raises FileChangedError when the file has changed, other than by growing, or in its names alone.

        Reading a page that was just truncated gives zeros behind the cut and no error. Whoever rewrites a file can set
        its old size and time of modification again, but not the time of its last change (inode(7)). A file that was
        rewritten in place and is longer now cannot be told from one that grew.
        """
        now = os.fstat(self.fd)
        if _identity(now) == self.identity or now.st_size > self.size_bytes:
            return
        if (now.st_size, now.st_mtime_ns) != (self.size_bytes, self.facts.st_mtime_ns) or not self._was_renamed(now):
            raise FileChangedError

    def _was_renamed(self, now: os.stat_result) -> bool:
        """Whether it got or lost a name: another file was moved into its place, say."""
        return now.st_nlink != self.facts.st_nlink or _path_of(self.fd) != self.where


def resolve_root(path: Path) -> bytes:
    """The root's real path. Raises UserError when it is not a directory whose files can be reached."""
    try:
        root = Path(os.path.realpath(path, strict=True))  # Path.resolve() raises RuntimeError for a loop of links
    except OSError as error:
        raise UserError(f"cannot serve {path}: {error.strerror}; give an existing directory with --root") from error
    if not root.is_dir():
        raise UserError(f"cannot serve {path}: it is not a directory; give the directory that holds the files")
    if not os.access(root, os.X_OK):
        raise UserError(f"cannot serve {path}: permission denied; choose another --root, or change its permissions")
    return os.fsencode(root)


class Files:
    """The files of one connection. The last one stays open, and is reused while its path leads to it unchanged."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._path = b""
        self._last: OpenFile | None = None

    def open_file(self, path: bytes) -> OpenFile:
        """The regular file at this path below the root, open until another is requested.

        Raises HttpError: 404 if it is absent, not a regular file or outside the root, 403 if it may not be read, 503
        when descriptors have run out, 500 when the disk fails.
        """
        if self._last is not None:
            if path == self._path and _still_same_file(self._root + path, self._last):
                return self._last
            self.close()
        self._path, self._last = path, _opened(self._root, path)
        return self._last

    def close(self) -> None:
        if self._last is not None:
            os.close(self._last.fd)
            self._last = None


def _still_same_file(path: bytes, file: OpenFile) -> bool:
    try:
        return _identity(os.stat(path)) == file.identity  # noqa: PTH116  # bytes, not text
    except OSError:
        return False


def _identity(facts: os.stat_result) -> tuple[int, ...]:
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def _path_of(fd: int) -> bytes:
    return os.readlink(b"/proc/self/fd/%d" % fd)  # noqa: PTH115  # bytes, not text


def _opened(root: bytes, path: bytes) -> OpenFile:
    """Raises HttpError, 404 for what is not a regular file, or lies outside the root."""
    fd = _open(root, path)
    try:
        facts = os.fstat(fd)
        where = _path_of(fd)
        if not _is_inside(root, where) or not stat.S_ISREG(facts.st_mode):
            raise _not_found()
    except OSError as error:
        os.close(fd)
        raise _http_error(error) from error
    except HttpError:
        os.close(fd)
        raise
    return OpenFile(fd, facts, where)


def _open(root: bytes, path: bytes) -> int:
    """A descriptor of what was a regular file just before. Raises HttpError."""
    if b"\0" in path:
        raise _not_found()
    try:
        if not stat.S_ISREG(os.stat(root + path).st_mode):  # noqa: PTH116  # bytes, not text
            raise _index(root) if path == b"/" else _not_found()
        return os.open(root + path, _READING)
    except OSError as error:
        if error.errno == errno.EACCES and not _is_inside(root, os.path.realpath(root + path)):
            raise _not_found() from error  # 403 would reveal what is outside the root
        raise _http_error(error) from error


def _index(root: bytes) -> HttpError:
    """The answer to who asks for no file: the paths that can be had, some of them where there are many."""
    with os.scandir(root) as entries:
        names = sorted(entry.name for entry in entries if entry.is_file(follow_symlinks=False))
    paths = [f"/{quote(name)}" for name in names[:_MOST_PATHS]] + ["…"] * (len(names) > _MOST_PATHS)
    return HttpError(HTTPStatus.OK, f"there is {', '.join(paths) or 'no file'}")


def _is_inside(root: bytes, where: bytes) -> bool:
    return where.startswith(root.rstrip(b"/") + b"/")


def _http_error(error: OSError) -> HttpError:
    if error.errno in _ABSENT:
        return _not_found()
    if error.errno in (errno.EACCES, errno.EPERM):
        return HttpError(HTTPStatus.FORBIDDEN, "this file may not be read")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return unavailable("too many open files; raise the limit (`ulimit -n`), or have fewer connections")
    log(f"cannot open a file: {error}")
    return HttpError(HTTPStatus.INTERNAL_SERVER_ERROR, f"the file cannot be opened: {error.strerror}")


def _not_found() -> HttpError:
    return HttpError(HTTPStatus.NOT_FOUND, "there is no such file")
