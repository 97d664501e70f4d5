"""mmap + io_uring SEND_ZC: like MSG_ZEROCOPY, with the completions in the ring instead of the error queue.

A send has two completions: its result and, when the kernel has let go of the pages, a notification; all notifications
are awaited (io_uring_enter(2)). The send time-out is kept here, since io_uring polls and ignores SO_SNDTIMEO. With
REPORT_USAGE a notification says whether the kernel copied after all, as it does for every receiver on the same machine.
ENOMEM means too much memory locked (RLIMIT_MEMLOCK, per user) and passes as pages come free.
"""

import socket

from servers.mechanisms import mapping, uring, zerocopy
from servers.mechanisms.timeouts import timed_out
from servers.mode import BY_REFERENCE, Mode

MODE = Mode(
    name="uring-send-zc",
    port=8088,
    summary="io_uring SEND_ZC from a mapping of the file, each send awaited in the ring",
    copies=BY_REFERENCE,
    options=zerocopy.OPTIONS,
)

_REPORT_USAGE = 1 << 3  # IORING_SEND_ZC_REPORT_USAGE
_COPIED = 1 << 31  # IORING_NOTIF_USAGE_ZC_COPIED

_tally = zerocopy.Tally()
completions = _tally.now
require = uring.require


def send_file(
    sock: socket.socket, fd: int, offset: int, count: int, *, window: int = mapping.DEFAULT_BYTES, piece: int = 1 << 20
) -> None:
    with uring.ring() as ring:
        _Sends(ring, sock).send_range(fd, offset, count, window, piece)


class _Sends(zerocopy.Sends):
    """Each send is a submission whose result and notification come in the ring."""

    def __init__(self, ring: uring.Ring, sock: socket.socket) -> None:
        super().__init__(sock)
        self._ring = ring

    def _send(self, address: int, size: int) -> int:
        self._ring.prepare(uring.SEND_ZC, self._sock.fileno(), address=address, size=size, priority=_REPORT_USAGE)
        while done := self._ring.wait(self._limit_s):
            results = [completion for completion in done if not self._is_notification(completion)]
            if results:
                self._outstanding += bool(results[0].flags & uring.MORE_WILL_COME)
                return results[0].done_bytes("SEND_ZC")
        raise timed_out()

    def _await_some(self) -> bool:
        done = self._ring.wait(self._limit_s)
        for completion in done:
            self._is_notification(completion)
        return bool(done)

    def _is_notification(self, completion: uring.Completion) -> bool:
        """Whether it is one, which is then counted."""
        if not completion.flags & uring.NOTIFICATION:
            return False
        self._outstanding -= 1
        _tally.add(1, copied=int(bool(completion.result & _COPIED)))
        return True
