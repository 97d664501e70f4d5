"""Temporary folders for what py-spy, perf and strace write; those of a killed process are removed with the next one.

Its rule: whoever uses a folder holds its lock. The kernel releases the locks of a process that dies (flock(2)), so a
folder without a lock was left behind. A PID in its name would not tell, since containers may share /tmp.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from errors import UserError, remedy

_PREFIX = "zero-copy-bench-scratch-"
_YOUNG_S = 60.0  # made just now, and perhaps not locked yet


class Scratch:
    """A folder at `path` until close(), or until another is made after this process has died. Raises UserError."""

    def __init__(self) -> None:
        _remove_left_behind()
        try:
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        except OSError as error:
            raise UserError(f"cannot make a temporary folder: {error}; {remedy(error)}") from error
        self._lock = _locked(self.path)

    def claim(self, path: Path) -> None:
        """Let a file elsewhere, whose place another program chose, be removed with the folder."""
        (self.path / f"claimed-{path.name}").symlink_to(path)

    def close(self) -> None:
        """Remove it, its content and what it claims. May be called twice."""
        _remove(self.path)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _remove_left_behind() -> None:
    for folder in _old_folders():
        lock = _locked(folder)
        if lock is not None:
            _remove(folder)
            os.close(lock)


def _remove(folder: Path) -> None:
    for claim in folder.glob("claimed-*"):
        with contextlib.suppress(OSError):  # never written, or already removed
            claim.readlink().unlink()
    shutil.rmtree(folder, ignore_errors=True)


def _old_folders() -> Iterator[Path]:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):  # removed in between by its owner
            facts = folder.lstat()
            if facts.st_uid == os.geteuid() and time.time() - facts.st_mtime > _YOUNG_S:
                yield folder


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the folder's lock; None when somebody else holds it, or it is not a folder."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd
