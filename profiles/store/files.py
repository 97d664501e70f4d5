"""Files that are whole whenever somebody reads them; errors of the file system as one clear line.

A folder that a process is still writing to is locked by it (flock(2)). The kernel ends the lock with the process,
however that ends, and also those see it who live in another container. A copy of the folder has no lock.
"""

import contextlib
import errno
import fcntl
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from errors import UserError, remedy


def write_file(path: Path, content: bytes, *, mode: int = 0o666, make_parents: bool = True, kept: str = "") -> Path:
    """Write beside and rename, so that a reader never sees half of it; returns the path.

    kept: what is not lost, as the end of the error's sentence. Raises UserError.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    with explained("write", path, kept):
        if make_parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        beside.touch(mode)
        try:
            beside.write_bytes(content)
            beside.rename(path)
        finally:
            beside.unlink(missing_ok=True)
    return path


def append_lines(path: Path, lines: bytes, kept: str = "") -> None:
    """Append whole lines with one write: a kill loses at most the line in progress. Raises UserError."""
    with explained("write", path, kept):
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            size_before = os.fstat(fd).st_size
            if os.write(fd, lines) < len(lines):  # a full disk takes a part: take the half line back
                os.ftruncate(fd, size_before)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(fd)


_locks: dict[Path, int] = {}  # of this process: descriptors by folder


def lock(folder: Path) -> None:
    """Say that this process writes to the folder, until unlock() or its end; where locks are not to be had, nothing."""
    for gone in [path for path in _locks if not path.exists()]:
        unlock(gone)
    if folder.absolute() not in _locks:
        with contextlib.suppress(OSError):
            _locks[folder.absolute()] = fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(fd, fcntl.LOCK_EX)  # who only looks holds it for a moment


def unlock(folder: Path) -> None:
    if (fd := _locks.pop(folder.absolute(), None)) is not None:
        _release(fd)


def _release(fd: int) -> None:
    """Close it, and before that unlock it: gevent's os.close(), which Locust puts in the place of Python's, closes a
    folder later, from its event loop. Whoever locked it again before that would wait for ever."""
    with contextlib.suppress(OSError):  # it has no lock
        fcntl.flock(fd, fcntl.LOCK_UN)
    os.close(fd)


def is_locked(folder: Path) -> bool | None:
    """Whether a process writes to the folder; None where that cannot be told."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        _release(fd)
    return False


@contextlib.contextmanager
def explained(action: str, path: Path, kept: str = "") -> Iterator[None]:
    """An OSError of writing as a UserError. kept: what is not lost, as the end of its sentence."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot {action} {path}: {error.strerror}; {remedy(error)}{kept}") from error


def read_plain(path: Path) -> bytes:
    """A plain file's bytes. Raises OSError, also for what is none: a pipe would block, a link may lead anywhere."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read()


def decode_json(path: Path, content: bytes, advice: str, line: int | None = None) -> Any:
    """line: that the content is; None where it is the whole file. Raises UserError that names the line."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why, place = _why_undecodable(content, error)
        number = content[:place].count(b"\n") + 1 if line is None else line
        raise UserError(f"cannot read {path}, line {number}: {why}; {advice}") from error


def _why_undecodable(content: bytes, error: Exception) -> tuple[str, int]:
    """In words, and the byte where."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply", 0
    try:
        content.decode()
    except UnicodeDecodeError as wrong:
        return f"it is not UTF-8 (byte {wrong.start})", wrong.start
    found = re.search(r"\(byte (\d+)\)", str(error))
    return str(error), int(found[1]) if found else len(content)


@contextlib.contextmanager
def readable(path: Path, advice: str) -> Iterator[None]:
    """Errors of reading as a UserError that ends with the advice."""
    try:
        yield
    except PermissionError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; change its permissions") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; {advice}") from error
    except MemoryError as error:
        raise UserError(f"cannot read {path}: it is larger than the memory; {advice}") from error
