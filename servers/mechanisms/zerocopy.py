"""Zero-copy sends: the file is mapped and sent by reference, and the kernel says later when it has let go of the pages.

Its rule: all sends of a window are awaited before its mapping goes. A slow peer is waited for as long as it takes
something within the send time-out; the clock of a single send does not count. What it has not taken stays locked:
without CAP_IPC_LOCK all connections of a user share `ulimit -l` and wait for each other's peers.
"""

import errno
import fcntl
import os
import socket
import sys
import termios
import threading
import time
from abc import ABC, abstractmethod

from servers.mechanisms import mapping
from servers.mechanisms.timeouts import timed_out, timeout_s
from servers.mode import Completions, FileShrankError, Option

PIECE_BYTES = 1 << 20
OPTIONS = (mapping.OPTION, Option("piece", PIECE_BYTES, "bytes per zero-copy send", maximum_bytes=1 << 20))

_NO_MEMORY = (errno.ENOMEM, errno.ENOBUFS)
_NO_MEMORY_PAUSE_S = 0.001


class Tally:
    """The completions of a process, counted by all its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total = self._copied = 0

    def add(self, total: int, copied: int) -> None:
        self._lock.acquire()
        try:  # `with` would need memory to give the lock back
            self._total += total
            self._copied += copied
        finally:
            self._lock.release()

    def now(self) -> Completions:
        with self._lock:
            return Completions(self._total, self._copied)


class Sends(ABC):
    """The zero-copy sends of one answer; _outstanding: how many the kernel has not completed yet."""

    def __init__(self, sock: socket.socket) -> None:
        self._limit_s = timeout_s(sock)
        self._sock = sock
        self._outstanding = 0

    @abstractmethod
    def _send(self, address: int, size: int) -> int:
        """Send mapped memory by reference, counting it as outstanding; returns the bytes taken. Raises OSError."""

    @abstractmethod
    def _await_some(self) -> bool:
        """Wait for completions within the send time-out and count them off; False: none came."""

    def send_range(self, fd: int, offset: int, count: int, window: int, piece: int) -> None:
        """Send count bytes of fd from offset.

        The last byte goes by copy, once all others have arrived: it stays under the server's cork until the server has
        checked that the file did not change.
        """
        last = offset + count - 1
        while offset < last:
            size = min(last - offset, window)
            with mapping.address(fd, offset, size, missing_bytes=last + 1 - offset) as address:
                self._send_window(address, size, piece)
            offset += size
        if count:
            byte = os.pread(fd, 1, last)
            if not byte:
                raise FileShrankError(1)
            self._sock.sendall(byte)

    def _send_window(self, address: int, size: int, piece: int) -> None:
        refused_s: float | None = None
        while size:
            try:
                sent = self._send(address, min(size, piece))
            except OSError as error:
                if error.errno == errno.EFAULT:  # the pages are gone: the sends before are awaited all the same
                    self._wait_until_at_most(0)
                if error.errno not in _NO_MEMORY:
                    raise
                refused_s = refused_s or time.monotonic()
                self._make_room(error, refused_s)
            else:
                refused_s = None
                address += sent
                size -= sent
        self._wait_until_at_most(0)

    def _wait_until_at_most(self, outstanding: int) -> None:
        """Raises BlockingIOError when the peer takes nothing for the time of SO_SNDTIMEO."""
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # sends what the server's cork holds, tcp(7)
        unacknowledged = self._unacknowledged_bytes()
        while self._outstanding > outstanding:
            if not self._await_some():
                before, unacknowledged = unacknowledged, self._unacknowledged_bytes()
                if unacknowledged == before:
                    raise timed_out()

    def _make_room(self, refusal: OSError, refused_s: float) -> None:
        """Wait until a send that was refused for lack of memory, first at refused_s, may be tried again."""
        if self._outstanding:
            self._wait_until_at_most(self._outstanding - 1)
        elif self._limit_s is not None and time.monotonic() - refused_s > self._limit_s:
            raise refusal
        else:  # other connections hold the memory, and nothing tells us when they let go
            time.sleep(_NO_MEMORY_PAUSE_S)

    def _unacknowledged_bytes(self) -> int:
        """What the peer has not acknowledged yet, tcp(7): SIOCOUTQ."""
        return int.from_bytes(fcntl.ioctl(self._sock, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
