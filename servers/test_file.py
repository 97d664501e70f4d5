"""The test file: pseudo-random bytes that anyone can make again, and a digest beside it.

Its rule: block number i (1 MiB each) is SHAKE-128 of "zero-copy bench, block i" (FIPS 202), so that any range can be
checked without the file. It is written beside and renamed when complete: a file of that name is a whole one.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from errors import UserError
from units import MIB, format_size

NAME = "test-file.bin"
BLOCK_BYTES = MIB
_AHEAD_BLOCKS = 8


def block(number: int, size_bytes: int = BLOCK_BYTES) -> bytes:
    """The first size_bytes of a block."""
    return hashlib.shake_128(b"zero-copy bench, block %d" % number).digest(size_bytes)


def exists(folder: Path, size_bytes: int) -> bool:
    """Whether the test file is there, in this size and with its digest beside it."""
    path = folder / NAME
    return path.is_file() and path.stat().st_size == size_bytes and digest_path(path).is_file()


def digest_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def make(folder: Path, size_bytes: int, progress: Callable[[int], None]) -> Path:
    """Write the test file and its digest (in the form of sha256sum(1)); progress is told each number of bytes written.

    Raises UserError when they cannot be written; then neither is there in part.
    """
    path = folder / NAME
    beside = folder / f".{NAME}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with _removed_on_error(beside), beside.open("wb", buffering=0) as file:
            if size_bytes:
                os.posix_fallocate(file.fileno(), 0, size_bytes)  # no space is found out now, and nothing is sparse
            for content in _blocks(size_bytes):
                _write_all(file.fileno(), content)
                digest.update(content)
                progress(len(content))
            digest_path(path).unlink(missing_ok=True)  # a file and a digest that do not belong together never meet
            beside.rename(path)
        digest_path(path).write_text(f"{digest.hexdigest()}  {NAME}\n")
    except OSError as error:
        raise UserError(
            f"cannot make {path} of {format_size(size_bytes)}: {error.strerror}; "
            f"free some space, choose a smaller SIZE, or another folder"
        ) from error
    return path


def _blocks(size_bytes: int) -> Iterator[bytes]:
    """The content in order, made by two threads some blocks ahead (hashlib works outside the GIL)."""
    sizes = [min(BLOCK_BYTES, size_bytes - start) for start in range(0, size_bytes, BLOCK_BYTES)]
    with ThreadPoolExecutor(2) as pool:
        for start in range(0, len(sizes), _AHEAD_BLOCKS):
            ahead = range(start, min(start + _AHEAD_BLOCKS, len(sizes)))
            yield from pool.map(block, ahead, [sizes[number] for number in ahead])


def _write_all(fd: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]


@contextlib.contextmanager
def _removed_on_error(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise
