"""Files that are whole whenever somebody reads them; errors of the file system as one clear line."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

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


@contextlib.contextmanager
def explained(action: str, path: Path, kept: str = "") -> Iterator[None]:
    """An OSError of writing as a UserError. kept: what is not lost, as the end of its sentence."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot {action} {path}: {error.strerror}; {remedy(error)}{kept}") from error


@contextlib.contextmanager
def readable(path: Path, advice: str) -> Iterator[None]:
    """Errors of reading and decoding as a UserError that ends with the advice."""
    try:
        yield
    except PermissionError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; change its permissions") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; {advice}") from error
    except msgspec.DecodeError as error:
        raise UserError(f"cannot read {path}: {error}; {advice}") from error
