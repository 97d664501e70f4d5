"""How much of a file is in the page cache; reads it in, and drops it again without root.

Its rule: after a drop, the pages are counted. POSIX_FADV_DONTNEED silently skips pages that are dirty, under write-back
or mapped (posix_fadvise(2)), and succeeds on file systems in memory. Caches of the disk and of a hypervisor stay.
"""

import ctypes
import mmap
import os
import socket
import time
from pathlib import Path

import psutil

from errors import UserError

MEMORY_FILE_SYSTEMS = ("tmpfs", "ramfs", "hugetlbfs", "devtmpfs")
MOST_DROPS = 20
MOST_READING_S = 10.0
_PIECE_BYTES = 1 << 20
PAUSE_S = 0.02  # a page that was sent by reference is held until the last socket buffer with it is freed
_CACHESTAT = 451  # Linux 6.5; the same number on every architecture
_LIBC = ctypes.CDLL(None, use_errno=True)


def filesystem_of(path: Path) -> str:
    """The type and device of the file system, from the longest mount point above the file."""
    above = set(map(str, path.resolve().parents))
    mounts = [item for item in psutil.disk_partitions(all=True) if item.mountpoint in above]
    if not mounts:
        return "unknown"
    mount = max(mounts, key=lambda item: len(item.mountpoint))
    return f"{mount.fstype} ({mount.opts.split(',')[0]})"


def resident_share_of(path: Path) -> float | None:
    """The share of a file's pages in the page cache, 0 to 1, by cachestat(2), else by mincore(2).

    None for a file that is empty, gone, or neither ours nor writable: of the last, both may call all pages resident.
    """
    try:
        with path.open("r+b") as file:
            pages = -(-os.fstat(file.fileno()).st_size // mmap.PAGESIZE)
            if not pages:
                return None
            resident = by_cachestat(file.fileno())
            return (_by_mincore(file.fileno()) if resident is None else resident) / pages
    except OSError:
        return None


def warm(path: Path) -> float | None:
    """Read a file into the page cache, for at most MOST_READING_S; returns the share in it then, or None (unknown).

    Pages go without memory being short where the kernel reclaims idle ones (DAMON_RECLAIM). A file that is larger than
    the memory is not read. Raises OSError where it cannot be read.
    """
    share = resident_share_of(path)
    if share is None or share == 1 or path.stat().st_size > psutil.virtual_memory().total:
        return share
    buffer, until_s = bytearray(_PIECE_BYTES), time.monotonic() + MOST_READING_S
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer) and time.monotonic() < until_s:
            pass
    return resident_share_of(path)


def drop(path: Path) -> float | None:
    """Drop a file from the page cache; returns the share that is still in it, or None (unknown).

    Raises UserError where the file system is in memory, or the file cannot be read.
    """
    kind = filesystem_of(path)
    if kind.split(" ")[0] in MEMORY_FILE_SYSTEMS:
        raise UserError(
            f"{path} cannot be made cold: {kind} keeps files in memory, without a disk; put the file on a disk, or "
            f"measure with CACHE=warm"
        )
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            for _ in range(MOST_DROPS):
                os.fsync(fd)  # DONTNEED leaves dirty pages where they are
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                if not (share := resident_share_of(path)):
                    return share
                time.sleep(PAUSE_S)
                _receive_on_every_cpu()
        finally:
            os.close(fd)
    except OSError as error:
        raise UserError(f"cannot drop the pages of {path}: {error.strerror}; measure with CACHE=warm") from error
    return share


def _receive_on_every_cpu() -> None:
    """A datagram on each CPU. A socket buffer that was read on another CPU is freed only when the CPU that it came from
    receives something (skb_attempt_defer_free(), Linux 5.19): on an idle one never, with up to 4 MiB of pages."""
    cpus = os.sched_getaffinity(0)  # of this thread, as what follows
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer, socket.socket(type=socket.SOCK_DGRAM) as sender:
            peer.bind(("127.0.0.1", 0))
            for cpu in cpus:
                os.sched_setaffinity(0, {cpu})
                sender.sendto(b"", peer.getsockname())
    finally:
        os.sched_setaffinity(0, cpus)


def by_cachestat(fd: int) -> int | None:
    """Resident pages; None where the kernel does not know the call, or refuses it (a seccomp filter)."""
    whole_file = (ctypes.c_uint64 * 2)(0, 0)  # struct cachestat_range: offset, length
    pages = (ctypes.c_uint64 * 5)()  # struct cachestat, linux/mman.h; the first are those in the cache
    failed = _LIBC.syscall(_CACHESTAT, fd, whole_file, pages, 0)
    return None if failed else pages[0]


def _by_mincore(fd: int) -> int:
    """Resident pages. Raises OSError."""
    with mmap.mmap(fd, 0, flags=mmap.MAP_PRIVATE) as area:
        residency = (ctypes.c_ubyte * -(-len(area) // mmap.PAGESIZE))()
        start = ctypes.c_char.from_buffer(area)
        try:
            failed = _LIBC.mincore(ctypes.byref(start), ctypes.c_size_t(len(area)), residency)
        finally:
            del start  # the mapping cannot be closed while it is exported
    if failed:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return sum(page & 1 for page in residency)
