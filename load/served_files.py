"""The files that are served: one per size, each in a folder of its own below data/, made once and kept.

Its rule: a file that may be served is never written again. Where the size changes while an agent runs, in a sweep and
on the live page, the agent's root is a link, and another folder takes its place.
"""

import contextlib
import shutil
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from errors import UserError
from load.process import run_module
from profiles.scratch import Scratch
from profiles.store.run_facts import SERVED_FILE
from profiles.targets.catalog import PROJECT
from units import GIB, exact_size, format_size, parse_size, size_word

ROOT = PROJECT / "data"
SIZE, PACED_SIZE = "32MiB", "1MiB"  # at a pace small, so that many downloads start in every slice
RESERVE_BYTES = GIB  # of disk, left to everybody else
MEMORY_SHARE = 0.5  # of available memory: a file that does not stay in the page cache asks another question


@dataclass(frozen=True, slots=True)
class ServedFile:
    """What is to be served. root: has a folder for each size, or the file itself. size_bytes: None for a file that lies
    in root already."""

    root: Path
    size_bytes: int | None

    @classmethod
    def asked_for(cls, options: Namespace, default_size: str = SIZE) -> "ServedFile":
        """By the options root and size: a root alone is served as it is."""
        if options.root is not None and not options.size:
            return cls(Path(options.root), None)
        return cls(Path(options.root or ROOT), parse_size(options.size or default_size))

    @property
    def now_bytes(self) -> int:
        """The size that is served; 0 where there is no file."""
        if self.size_bytes is not None:
            return self.size_bytes
        path = self.root / SERVED_FILE
        return path.stat().st_size if path.exists() else 0

    def make(self) -> Path:
        """The folder to serve, with the file in it. Raises UserError where it cannot be made."""
        return self.root if self.size_bytes is None else make_file(self.root, self.size_bytes)


def make_file(root: Path, size_bytes: int) -> Path:
    """The folder with the test file of this size and its digest, made unless they are there. Raises UserError."""
    folder = folder_of(root, size_bytes)
    if not (folder / SERVED_FILE).exists():
        print(f"making the test file of {exact_size(size_bytes)}", file=sys.stderr, flush=True)
    if failed := run_module("servers.payload", "--size", str(size_bytes), "--root", str(root.absolute())):
        raise UserError(failed)
    return folder


def folder_of(root: Path, size_bytes: int) -> Path:
    """As servers.payload names it."""
    return root / size_word(size_bytes)


def too_large(sizes: tuple[int, ...], root: Path) -> dict[int, str]:
    """The sizes that this machine has no room for, each with the reason. sizes: ascending."""
    above = next(folder for folder in (root, *root.absolute().parents) if folder.exists())
    free = shutil.disk_usage(above).free - RESERVE_BYTES
    memory = int(MEMORY_SHARE * psutil.virtual_memory().available)
    reasons: dict[int, str] = {}
    for size in sizes:
        there = folder_of(root, size) / SERVED_FILE
        needed = 0 if there.is_file() and there.stat().st_size == size else size
        if size > memory:
            reasons[size] = f"only {format_size(memory)} of memory can be used for the page cache"
        elif needed > free:
            reasons[size] = f"only {format_size(max(0, free))} of disk space are left, after a reserve"
        else:
            free -= needed
    return reasons


@dataclass(frozen=True, slots=True)
class ServedLink:
    """path: the root to serve, a link to the folder of one size after another. root: holds these folders."""

    path: Path
    root: Path

    def serve(self, size_bytes: int) -> None:
        """Serve the file of this size from now on, by servers that start from now on. Raises UserError."""
        folder = make_file(self.root, size_bytes)
        beside = self.path.with_name("next")
        beside.symlink_to(folder.absolute())
        beside.rename(self.path)


@contextlib.contextmanager
def served_link(root: Path) -> Iterator[ServedLink]:
    """A link that can be served once it was told a size; it is removed at the end. Raises UserError."""
    with contextlib.closing(Scratch()) as scratch:
        yield ServedLink(scratch.path / "root", root)
