"""The files of a sweep: one per size, and which of them is served.

A file is made once, in a folder of its own below data/sweep, and reused while it is right. The served folder holds hard
links to one of them at a time, so that one agent serves all sizes in turn.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from errors import UserError
from load.process import run_module
from profiles.store.run_facts import SERVED_FILE
from units import GIB, format_size

DIGEST = f"{SERVED_FILE}.sha256"
RESERVE_BYTES = GIB  # of disk, left to everybody else
MEMORY_SHARE = 0.5  # of available memory: a file that does not stay in the page cache asks another question


def folder_of(files: Path, size_bytes: int) -> Path:
    """Where the file of this size lies: 4KiB, 1GiB, 1000B."""
    exact = format_size(size_bytes).replace(" ", "")
    return files / (exact if "." not in exact else f"{size_bytes}B")


def too_large(sizes: tuple[int, ...], files: Path) -> dict[int, str]:
    """The sizes that this machine has no room for, each with the reason. sizes: ascending."""
    above = next(folder for folder in (files, *files.absolute().parents) if folder.exists())
    free = shutil.disk_usage(above).free - RESERVE_BYTES
    memory = int(MEMORY_SHARE * psutil.virtual_memory().available)
    reasons: dict[int, str] = {}
    for size in sizes:
        there = folder_of(files, size) / SERVED_FILE
        needed = 0 if there.is_file() and there.stat().st_size == size else size
        if size > memory:
            reasons[size] = f"only {format_size(memory)} of memory can be used for the page cache"
        elif needed > free:
            reasons[size] = f"only {format_size(max(0, free))} of disk space are left, after a reserve"
        else:
            free -= needed
    return reasons


def make_file(folder: Path, size_bytes: int) -> None:
    """The test file of this size and its digest in this folder, unless they are there. Raises UserError."""
    if failed := run_module("servers.payload", "--size", str(size_bytes), "--root", str(folder.resolve())):
        raise UserError(failed)


@dataclass(frozen=True, slots=True)
class SweepFiles:
    """path: the served folder. files: holds a folder for each size."""

    path: Path
    files: Path

    def serve(self, size_bytes: int) -> None:
        """Serve the file of this size from now on. Raises UserError when it cannot be made or linked."""
        source = folder_of(self.files, size_bytes)
        make_file(source, size_bytes)
        try:
            for name in (SERVED_FILE, DIGEST):
                beside = self.path / f".{name}"
                os.link(source / name, beside)
                beside.rename(self.path / name)
                beside.unlink(missing_ok=True)  # rename(2) does nothing where both are links to the same file
        except OSError as error:
            what = f"cannot link {source / SERVED_FILE} into {self.path}: {error.strerror}"
            raise UserError(f"{what}; choose a file system with hard links") from error


@contextlib.contextmanager
def serving(files: Path) -> Iterator[SweepFiles]:
    """A folder to serve from, removed at the end. Raises UserError when it cannot be created."""
    try:
        files.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix="serving-", dir=files)
    except OSError as error:
        raise UserError(f"cannot create a folder in {files}: {error.strerror}; choose another with --root") from error
    with folder as name:
        yield SweepFiles(Path(name), files)
