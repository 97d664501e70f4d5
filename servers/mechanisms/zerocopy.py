"""Zero-copy sends that are not over yet: how they are waited for, counted, and what a full memory means.

Its rule: a slow peer is waited for as long as it takes something within the send time-out, by its progress and not by
the clock of one send. What it has not taken stays locked: without CAP_IPC_LOCK all connections of a user share
`ulimit -l`, and wait for each other's peers where that is small. How a send is made, and how the kernel says that it
has let go of the pages, stands in the mode.
"""

import errno
import fcntl
import os
import socket
import struct
import sys
import termios
import threading
import time
from abc import ABC, abstractmethod

from servers.mode import Completions, FileShrankError

_NO_MEMORY_PAUSE_S = 0.001


class Tally:
    """The completions of a process, counted by all its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total = self._copied = 0

    def add(self, total: int, copied: int) -> None:
        with self._lock:
            self._total += total
            self._copied += copied

    def now(self) -> Completions:
        with self._lock:
            return Completions(self._total, self._copied)


class Sends(ABC):
    """One answer's zero-copy sends on a socket, and how many of them the kernel has not let go of yet."""

    def __init__(self, sock: socket.socket) -> None:
        seconds, microseconds = struct.unpack("@ll", sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16))
        self._limit_s = seconds + microseconds / 1e6 or None
        self._sock = sock
        self._outstanding = 0

    @abstractmethod
    def _await_some(self) -> bool:
        """Wait for completions within the send time-out and take them off what is outstanding; False: none came."""

    def wait_until_at_most(self, outstanding: int) -> None:
        """Raises BlockingIOError when the peer takes nothing for the time of SO_SNDTIMEO."""
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # sends what the server's cork holds, tcp(7)
        unacknowledged = self._unacknowledged_bytes()
        while self._outstanding > outstanding:
            if not self._await_some():
                before, unacknowledged = unacknowledged, self._unacknowledged_bytes()
                if unacknowledged == before:
                    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    def _make_room(self, refusal: OSError, refused_s: float) -> None:
        """After a send was refused for lack of memory, first at refused_s: until it may be tried again."""
        if self._outstanding:
            self.wait_until_at_most(self._outstanding - 1)
        elif self._limit_s is not None and time.monotonic() - refused_s > self._limit_s:
            raise refusal
        else:  # other connections hold the memory, and nothing tells us when they let go
            time.sleep(_NO_MEMORY_PAUSE_S)

    def _unacknowledged_bytes(self) -> int:
        """What the peer has not acknowledged yet, tcp(7): SIOCOUTQ."""
        return int.from_bytes(fcntl.ioctl(self._sock, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def send_one_byte(sock: socket.socket, fd: int, offset: int) -> None:
    """An answer's last byte, by copy. All others have arrived by now, and the server has yet to see whether the file
    is as it was: this one stays under its cork until then.
    """
    byte = os.pread(fd, 1, offset)
    if not byte:
        raise FileShrankError(1)
    sock.sendall(byte)
