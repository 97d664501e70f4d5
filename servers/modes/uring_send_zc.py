"""mmap + io_uring SEND_ZC: as MSG_ZEROCOPY, with the completions in the ring instead of the error queue.

Its rule: a send has two completions, its result and, when the kernel has let go of the pages, a notification; all
notifications are awaited before the mapping goes and before send_file returns (io_uring_enter(2)). A slow peer is
waited for as long as it takes something within the send time-out, which is kept here: SO_SNDTIMEO means nothing to
io_uring, which polls. With REPORT_USAGE a notification says whether the kernel copied after all, as it does for every
receiver on the same machine; completions() counts both. ENOMEM means too much memory locked (RLIMIT_MEMLOCK, per user)
and passes as pages come free. No page is ever touched from Python (servers/mechanisms/mapping.py). The last byte goes by copy
(zerocopy.send_one_byte).
"""

import errno
import os
import socket
import time

from servers.mechanisms import mapping, uring, zerocopy
from servers.mode import Completions, Copy, Mode, Option

MODE = Mode(
    name="uring-send-zc",
    port=8088,
    summary="io_uring SEND_ZC from a mapping of the file, each send awaited in the ring",
    copies=(
        Copy("disk", "page cache", "dma"),
        Copy("page cache", "NIC", "dma"),
    ),
    options=(
        mapping.OPTION,
        Option("piece", 1 << 20, "bytes per zero-copy send", maximum_bytes=1 << 20),
    ),
)

_REPORT_USAGE = 1 << 3  # IORING_SEND_ZC_REPORT_USAGE
_COPIED = 1 << 31  # IORING_NOTIF_USAGE_ZC_COPIED
_NO_MEMORY = (errno.ENOMEM, errno.ENOBUFS)

_tally = zerocopy.Tally()


def completions() -> Completions:
    return _tally.now()


def require(_sock: socket.socket) -> None:
    with uring.ring():
        pass


def send_file(
    sock: socket.socket,
    fd: int,
    offset: int,
    count: int,
    *,
    window: int = mapping.DEFAULT_BYTES,
    piece: int = 1 << 20,
) -> None:
    with uring.ring() as ring:
        sends = _Sends(ring, sock)
        last = offset + count - 1
        while offset < last:
            size = min(last - offset, window)
            with mapping.address(fd, offset, size, missing_bytes=last + 1 - offset) as address:
                sends.send_all(address, size, piece)
                sends.wait_until_at_most(0)
            offset += size
        if count:
            zerocopy.send_one_byte(sock, fd, last)


class _Sends(zerocopy.Sends):
    """Each send is a submission, whose result and notification come in the ring."""

    def __init__(self, ring: uring.Ring, sock: socket.socket) -> None:
        super().__init__(sock)
        self._ring = ring

    def send_all(self, address: int, size: int, piece: int) -> None:
        refused_s: float | None = None
        while size:
            self._ring.prepare(
                uring.SEND_ZC, self._sock.fileno(), address=address, size=min(size, piece), priority=_REPORT_USAGE
            )
            try:
                sent = self._result()
            except OSError as error:
                if error.errno == errno.EFAULT:  # the pages are gone: what went before is awaited all the same
                    self.wait_until_at_most(0)
                if error.errno not in _NO_MEMORY:
                    raise
                refused_s = refused_s or time.monotonic()
                self._make_room(error, refused_s)
                continue
            refused_s = None
            address += sent
            size -= sent

    def _result(self) -> int:
        """The bytes sent by the one send that was prepared."""
        while done := self._ring.wait(self._limit_s):
            results = [completion for completion in done if not self._is_notification(completion)]
            if results:
                self._outstanding += bool(results[0].flags & uring.MORE_WILL_COME)
                return results[0].done_bytes("SEND_ZC")
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    def _await_some(self) -> bool:
        done = self._ring.wait(self._limit_s)
        for completion in done:
            self._is_notification(completion)
        return bool(done)

    def _is_notification(self, completion: uring.Completion) -> bool:
        """Whether it is one; then it is counted."""
        if not completion.flags & uring.NOTIFICATION:
            return False
        self._outstanding -= 1
        _tally.add(1, copied=int(bool(completion.result & _COPIED)))
        return True
