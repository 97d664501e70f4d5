"""A small io_uring by hand: one ring per thread, submissions, waits, completions.

Its rule: a ring in which something failed is closed, and the kernel cancels what was in flight (io_ring_exit_work), so
that nothing reaches a later answer. By hand, because a binding built for another CPU dies with SIGILL, and because
this much is all that is needed.

SINGLE_ISSUER and DEFER_TASKRUN (Linux 6.1): the kernel writes completions only while this thread is inside
io_uring_enter, so reading them needs no memory barriers, which Python lacks. Where io_uring is forbidden
(kernel.io_uring_disabled, seccomp) creating a ring fails with EPERM or ENOSYS.
"""

import contextlib
import ctypes
import errno
import mmap
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

SEND_ZC = 47
SPLICE = 30
LINKED = 1 << 2  # IOSQE_IO_LINK: the next submission starts when this one has succeeded in full
MORE_WILL_COME = 1 << 1  # IORING_CQE_F_MORE
NOTIFICATION = 1 << 3  # IORING_CQE_F_NOTIF
NO_OFFSET = 0xFFFFFFFFFFFFFFFF  # of a pipe or a socket

_SYS_SETUP, _SYS_ENTER = 425, 426  # the same numbers on every architecture
_SETUP_FLAGS = 1 << 12 | 1 << 13  # SINGLE_ISSUER, DEFER_TASKRUN
_ENTER_FLAGS = 1 << 0 | 1 << 3  # GETEVENTS, EXT_ARG
_OFFSET_OF_SUBMISSIONS = 0x10000000  # IORING_OFF_SQES
_ENTRIES = 4

_PARAMETERS = struct.Struct("=30I")  # struct io_uring_params; its two 64-bit addresses are not used
_SUBMISSION = struct.Struct("=BBHiQQIIQHHiQQ")  # struct io_uring_sqe
_COMPLETION = struct.Struct("=QiI")  # struct io_uring_cqe
_WAIT = struct.Struct("=QIIQ")  # struct io_uring_getevents_arg
_TIMESPEC = struct.Struct("=qq")

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


@dataclass(frozen=True, slots=True)
class Completion:
    """The outcome of a submission. result: as a system call's, with -errno for an error."""

    tag: int
    result: int
    flags: int

    def done_bytes(self, what: str) -> int:
        """The bytes that were moved. Raises OSError for a failed submission."""
        if self.result < 0:
            raise OSError(-self.result, f"{what}: {os.strerror(-self.result)}")
        return self.result


class Ring:
    """Created, used and closed by one thread."""

    def __init__(self) -> None:
        parameters = ctypes.create_string_buffer(_PARAMETERS.pack(0, 0, _SETUP_FLAGS, *[0] * 27), _PARAMETERS.size)
        self._fd = _call(_SYS_SETUP, _ENTRIES, ctypes.addressof(parameters))
        self._areas: list[mmap.mmap] = []
        try:
            self._map(_PARAMETERS.unpack(parameters.raw))
        except BaseException:
            self.close()
            raise
        self._unsubmitted = 0
        self._timespec = ctypes.create_string_buffer(_TIMESPEC.size)

    def _map(self, parameters: tuple[int, ...]) -> None:
        """Both queues share one area (IORING_FEAT_SINGLE_MMAP); the submissions lie in another."""
        submissions, completions = parameters[:2]
        _, self._sq_tail, sq_mask, _, _, _, array, *_ = parameters[10:20]
        self._cq_head, self._cq_tail, cq_mask, _, _, self._cq_entries, *_ = parameters[20:30]
        size = max(array + submissions * 4, self._cq_entries + completions * _COMPLETION.size)
        self._queues = self._area(size, 0)
        self._submissions = self._area(submissions * _SUBMISSION.size, _OFFSET_OF_SUBMISSIONS)
        self._sq_mask, self._cq_mask = self._get(sq_mask), self._get(cq_mask)
        for index in range(submissions):
            self._set(array + index * 4, index)

    def _area(self, size: int, offset: int) -> mmap.mmap:
        area = mmap.mmap(self._fd, size, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE, offset=offset)
        self._areas.append(area)
        return area

    def _get(self, at: int) -> int:
        return int.from_bytes(self._queues[at : at + 4], sys.byteorder)

    def _set(self, at: int, value: int) -> None:
        self._queues[at : at + 4] = (value & 0xFFFFFFFF).to_bytes(4, sys.byteorder)

    def close(self) -> None:
        """Cancels what is in flight."""
        if self._fd >= 0:
            for area in self._areas:
                area.close()
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        if hasattr(self, "_areas"):  # __init__ got a ring
            self.close()

    def prepare(
        self,
        opcode: int,
        fd: int,
        *,
        flags: int = 0,
        priority: int = 0,
        offset: int = 0,
        address: int = 0,
        size: int = 0,
        operation_flags: int = 0,
        tag: int = 0,
        source: int = 0,
    ) -> None:
        """Queue a submission for the next wait()."""
        tail = self._get(self._sq_tail)
        at = (tail & self._sq_mask) * _SUBMISSION.size
        fields = (opcode, flags, priority, fd, offset, address, size, operation_flags, tag, 0, 0, source, 0, 0)
        _SUBMISSION.pack_into(self._submissions, at, *fields)
        self._set(self._sq_tail, tail + 1)
        self._unsubmitted += 1

    def wait(self, limit_s: float | None = None) -> list[Completion]:
        """Submit what was prepared and wait for completions; an empty list when none came within limit_s."""
        until_s = None if limit_s is None else time.monotonic() + limit_s
        while not (done := self._completions()):
            left_s = None if until_s is None else until_s - time.monotonic()
            if left_s is not None and left_s <= 0 and not self._unsubmitted:
                break
            self._enter(None if left_s is None else max(left_s, 0.0))
        return done

    def _enter(self, limit_s: float | None) -> None:
        address = 0
        if limit_s is not None:
            _TIMESPEC.pack_into(self._timespec, 0, int(limit_s), int(limit_s % 1 * 1e9))
            address = ctypes.addressof(self._timespec)
        argument = ctypes.create_string_buffer(_WAIT.pack(0, 0, 0, address), _WAIT.size)
        try:
            self._unsubmitted -= _call(
                _SYS_ENTER, self._fd, self._unsubmitted, 1, _ENTER_FLAGS, ctypes.addressof(argument), _WAIT.size
            )
        except OSError as error:
            if error.errno not in (errno.ETIME, errno.EINTR):
                raise

    def _completions(self) -> list[Completion]:
        head, tail = self._get(self._cq_head), self._get(self._cq_tail)
        done = []
        while head != tail:
            at = self._cq_entries + (head & self._cq_mask) * _COMPLETION.size
            done.append(Completion(*_COMPLETION.unpack_from(self._queues, at)))
            head = (head + 1) & 0xFFFFFFFF
        self._set(self._cq_head, head)
        return done


_per_thread = threading.local()


@contextlib.contextmanager
def ring() -> Iterator[Ring]:
    """This thread's ring. It is closed when the thread ends, or as soon as the body of the `with` raises."""
    if getattr(_per_thread, "ring", None) is None:
        _per_thread.ring = Ring()
    this_threads: Ring = _per_thread.ring
    try:
        yield this_threads
    except BaseException:
        _per_thread.ring = None
        this_threads.close()
        raise


def require(_sock: socket.socket) -> None:
    """Raises OSError where io_uring cannot be used; what a mode that needs it calls its `require`."""
    with ring():
        pass


def _call(number: int, *arguments: int) -> int:
    result: int = _libc.syscall(ctypes.c_long(number), *(ctypes.c_long(argument) for argument in arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
