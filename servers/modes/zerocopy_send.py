"""mmap + send(MSG_ZEROCOPY): the network card reads the mapped pages; the kernel says later when it has let go of them.

Its rule: every send is answered by a completion in the socket's error queue, and all of them are awaited before the
mapping goes and before send_file returns. So a slow peer is waited for here, as long as it takes something within the
send time-out, and nothing is left in the queue that the next answer would trip over. After an error the connection is
not used again; pages in flight stay, because the kernel has pinned them. The last byte goes by copy
(zerocopy.send_one_byte).

A completion also says whether the kernel copied after all, as it does for every receiver on the same machine (loopback;
Documentation/networking/msg_zerocopy.rst): completions() counts both. Without SO_ZEROCOPY the flag is ignored in
silence. ENOBUFS means too many completions unread (net.core.optmem_max) or too much memory locked (RLIMIT_MEMLOCK, per
user): both pass as completions come in. No page is ever touched from Python (servers/mechanisms/mapping.py).
"""

import errno
import os
import select
import socket
import struct
import time

from servers.mechanisms import mapping, zerocopy
from servers.mode import Completions, Copy, Mode, Option

MODE = Mode(
    name="zerocopy-send",
    port=8087,
    summary="send(MSG_ZEROCOPY) from a mapping of the file, each send awaited in the error queue",
    copies=(
        Copy("disk", "page cache", "dma"),
        Copy("page cache", "NIC", "dma"),
    ),
    options=(
        mapping.OPTION,
        Option("piece", 1 << 20, "bytes per zero-copy send", maximum_bytes=1 << 20),
    ),
)

_SO_ZEROCOPY = 60  # include/uapi/asm-generic/socket.h; Python has these names from 3.14 on
_MSG_ZEROCOPY = 0x4000000
_EXTENDED_ERROR = struct.Struct("=IBBBBII")  # struct sock_extended_err: errno, origin, type, code, pad, info, data
_ORIGIN_ZEROCOPY = 5
_CODE_COPIED = 1
_ID_MASK = 0xFFFFFFFF

_tally = zerocopy.Tally()


def completions() -> Completions:
    return _tally.now()


def send_file(
    sock: socket.socket,
    fd: int,
    offset: int,
    count: int,
    *,
    window: int = mapping.DEFAULT_BYTES,
    piece: int = 1 << 20,
) -> None:
    sends = _Sends(sock)
    last = offset + count - 1
    while offset < last:
        size = min(last - offset, window)
        with mapping.view(fd, offset, size, missing_bytes=last + 1 - offset) as part:
            sends.send_all(part, piece)
            sends.wait_until_at_most(0)
        offset += size
    if count:
        zerocopy.send_one_byte(sock, fd, last)


class _Sends(zerocopy.Sends):
    """Each send is a call, whose completion comes in the socket's error queue."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        sock.setsockopt(socket.SOL_SOCKET, _SO_ZEROCOPY, 1)
        self._poll = select.poll()
        self._poll.register(sock, 0)  # POLLERR, for the error queue, and POLLHUP come unasked

    def send_all(self, part: memoryview, piece: int) -> None:
        sent = 0
        while sent < len(part):
            with part[sent : sent + piece] as next_part:
                try:
                    sent += self._send(next_part)
                except OSError as error:
                    if error.errno == errno.EFAULT:  # the pages are gone: what went before is awaited all the same
                        self.wait_until_at_most(0)
                    raise

    def _send(self, part: memoryview) -> int:
        """How much of it was sent, by reference where the kernel can."""
        refused_s: float | None = None
        while True:
            try:
                sent = self._sock.send(part, _MSG_ZEROCOPY)
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                refused_s = refused_s or time.monotonic()
                self._make_room(error, refused_s)
            else:
                self._outstanding += 1
                return sent

    def _await_some(self) -> bool:
        if self._reap():
            return True
        events = self._poll.poll(None if self._limit_s is None else self._limit_s * 1000)
        if events and not self._reap():
            self._raise_why_there_is_none(events[0][1])
        return bool(events)

    def _reap(self) -> int:
        """Read one message of the error queue: a range of sends that are over. How many, 0 when there is none."""
        try:
            _, ancillary, _, _ = self._sock.recvmsg(0, 512, socket.MSG_ERRQUEUE)
        except BlockingIOError:
            return 0
        done = 0
        for _level, _kind, data in ancillary:
            _, origin, _, code, _, first, last = _EXTENDED_ERROR.unpack_from(data)
            if origin == _ORIGIN_ZEROCOPY:
                done = ((last - first) & _ID_MASK) + 1
                _tally.add(done, copied=done if code & _CODE_COPIED else 0)
        self._outstanding -= done
        return done

    def _raise_why_there_is_none(self, events: int) -> None:
        number = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if not number and events & select.POLLHUP:  # shut down on both sides, and the kernel goes on alone
            number = errno.EPIPE
        if number:
            raise OSError(number, os.strerror(number))
