"""mmap + send(MSG_ZEROCOPY): the network card reads the mapped pages; the kernel says later when it has let go of them.

Each send completes with a message in the socket's error queue, and all are awaited, so that none is left for the next
answer. After an error the connection is not used again; pages in flight stay pinned by the kernel.

A completion also says whether the kernel copied after all, as it does for every receiver on the same machine (loopback;
Documentation/networking/msg_zerocopy.rst). Without SO_ZEROCOPY the flag is silently ignored. ENOBUFS means too many
completions unread (net.core.optmem_max) or too much memory locked (RLIMIT_MEMLOCK, per user): both pass.
"""

import os
import select
import socket
import struct

from servers.mechanisms import mapping, zerocopy
from servers.mode import BY_REFERENCE, Mode

MODE = Mode(
    name="zerocopy-send",
    port=8087,
    summary="send(MSG_ZEROCOPY) from a mapping of the file, each send awaited in the error queue",
    copies=BY_REFERENCE,
    options=zerocopy.OPTIONS,
)

_SO_ZEROCOPY = 60  # include/uapi/asm-generic/socket.h; Python has these names from 3.14 on
_MSG_ZEROCOPY = 0x4000000
_EXTENDED_ERROR = struct.Struct("=IBBBBII")  # struct sock_extended_err: errno, origin, type, code, pad, info, data
_ORIGIN_ZEROCOPY = 5
_CODE_COPIED = 1
_ID_MASK = 0xFFFFFFFF

_tally = zerocopy.Tally()
completions = _tally.now


def send_file(
    sock: socket.socket, fd: int, offset: int, count: int, *, window: int = mapping.DEFAULT_BYTES, piece: int = 1 << 20
) -> None:
    _Sends(sock).send_range(fd, offset, count, window, piece)


class _Sends(zerocopy.Sends):
    """Each send is a send(2) whose completion comes in the socket's error queue."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        sock.setsockopt(socket.SOL_SOCKET, _SO_ZEROCOPY, 1)
        self._poll = select.poll()
        self._poll.register(sock, 0)  # POLLERR, for the error queue, and POLLHUP are always reported

    def _send(self, address: int, size: int) -> int:
        sent = self._sock.send(mapping.buffer_at(address, size), _MSG_ZEROCOPY)
        self._outstanding += 1
        return sent

    def _await_some(self) -> bool:
        if self._reap():
            return True
        events = self._poll.poll(None if self._limit_s is None else self._limit_s * 1000)
        if events and not self._reap():
            self._raise_socket_error(events[0][1])
        return bool(events)

    def _reap(self) -> int:
        """Read one message of the error queue, a range of completed sends; returns how many, 0 without a message."""
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

    def _raise_socket_error(self, events: int) -> None:
        number = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if not number and events & select.POLLHUP:  # shut down on both sides, and the kernel goes on alone
            raise BrokenPipeError
        if number:
            raise OSError(number, os.strerror(number))
