"""The test files: pseudo-random bytes that anyone can make again, one file per size, and a digest beside it.

    python -m servers.payload --size 256MiB --root data    makes data/256MiB/test-file.bin, unless it is there

Its rule: block number i (1 MiB each) is SHAKE-128 of "zero-copy bench, block i" (FIPS 202), so that any range can be
checked without the file. It is written beside and renamed when complete: a file of that name is a whole one. Whoever
wants another size gets another folder, so that nobody's file changes while it is served.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from errors import EXIT_DONE, CommandParser, UserError, remedy, run_command
from units import MIB, format_size, parse_size, size_word

NAME = "test-file.bin"
ROOT = Path("data")
SIZE = "32MiB"
BLOCK_BYTES = MIB
_AHEAD_BLOCKS = 8
_DIGEST_LINE = re.compile(rf"[0-9a-f]{{64}}  {re.escape(NAME)}\n")


def block(number: int, size_bytes: int = BLOCK_BYTES) -> bytes:
    """The first size_bytes of a block."""
    return hashlib.shake_128(b"zero-copy bench, block %d" % number).digest(size_bytes)


def exists(folder: Path, size_bytes: int) -> bool:
    """Whether the test file is there, in this size and with its digest beside it."""
    path = folder / NAME
    if not path.is_file() or path.stat().st_size != size_bytes or not digest_path(path).is_file():
        return False
    return _DIGEST_LINE.fullmatch(digest_path(path).read_text(errors="replace")) is not None


def folder_of(root: Path, size_bytes: int) -> Path:
    """Where the test file of this size lies: data/256MiB."""
    return root / size_word(size_bytes)


def served_folder(root: Path | None, size: str | None) -> Path:
    """The folder to serve: root as it is where no size is asked for, else the one with the test file of this size.

    Makes the file, unless it is there. Raises UserError where it cannot be made.
    """
    if root is not None and size is None:
        return root
    size_bytes = parse_size(size or SIZE)
    folder = folder_of(root or ROOT, size_bytes)
    if not exists(folder, size_bytes):
        make(folder, size_bytes, _progress(size_bytes))
    return folder


def digest_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def make(folder: Path, size_bytes: int, progress: Callable[[int], None]) -> Path:
    """Write the test file and its digest (in the form of sha256sum(1)); progress is told each number of bytes written.

    Raises UserError when they cannot be written; then neither is there in part.
    """
    path = folder / NAME
    beside, digest_beside = folder / f".{NAME}.part", folder / f".{NAME}.sha256.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder), _removed_on_error(beside), _removed_on_error(digest_beside):
            digest = _write(beside, size_bytes, progress)
            digest_beside.write_text(f"{digest}  {NAME}\n")
            digest_path(path).unlink(missing_ok=True)  # a file and a digest that do not belong together never meet
            beside.rename(path)
            digest_beside.rename(digest_path(path))
    except OSError as error:
        smaller = ", or choose a smaller SIZE" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else ""
        raise UserError(
            f"cannot make {path} of {format_size(size_bytes)}: {error.strerror}; {remedy(error)}{smaller}"
        ) from error
    return path


def _write(path: Path, size_bytes: int, progress: Callable[[int], None]) -> str:
    """Write the content; its sha256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        if size_bytes:
            os.posix_fallocate(file.fileno(), 0, size_bytes)  # no space is found out now, and nothing is sparse
        for content in _blocks(size_bytes):
            file.write(content)
            digest.update(content)
            progress(len(content))
    return digest.hexdigest()


def _blocks(size_bytes: int) -> Iterator[bytes]:
    """The content in order, made by two threads some blocks ahead (hashlib works outside the GIL)."""
    sizes = [min(BLOCK_BYTES, size_bytes - start) for start in range(0, size_bytes, BLOCK_BYTES)]
    with ThreadPoolExecutor(2) as pool:
        for start in range(0, len(sizes), _AHEAD_BLOCKS):
            ahead = range(start, min(start + _AHEAD_BLOCKS, len(sizes)))
            yield from pool.map(block, ahead, [sizes[number] for number in ahead])


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Nobody else makes the file at the same time; who comes second waits."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def _removed_on_error(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def main() -> int:
    parser = CommandParser(prog="python -m servers.payload", description="Make the test file, unless it is there.")
    parser.add_argument("--size", default=SIZE, help="like 256MiB, 1GiB, 17 (default: %(default)s)")
    parser.add_argument("--root", type=Path, default=ROOT, help="has a folder for each size (default: %(default)s)")
    arguments = parser.parse_args()
    path = served_folder(arguments.root, arguments.size) / NAME
    print(f"{path}, and its digest in {digest_path(path).name}")
    return EXIT_DONE


def _progress(size_bytes: int) -> Callable[[int], None]:
    """Tells a terminal how much of the file is there."""
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        end = "\n" if done == size_bytes else ""
        print(f"\rtest file: {100 * done // size_bytes} %", end=end, file=sys.stderr, flush=True)

    return advance if sys.stderr.isatty() else lambda _: None


if __name__ == "__main__":
    run_command(main)
