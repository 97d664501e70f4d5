"""socket.sendfile: what most Python programs call.

Its rule: sendfile(2) or an error. On any OSError of its first os.sendfile() the standard library falls back, without a
word, to read() and send() in pieces of 8 KiB (socket._sendfile_use_send); the file given to it here refuses to be read,
and raises the error that was meant to be hidden. Another trap: with SO_SNDTIMEO alone it would wait for a stuck peer
for ever, since it answers EAGAIN with a select() that has only settimeout()'s limit. So that limit is set, which makes
the descriptor non-blocking underneath and adds a poll() before every sendfile(), for as long as the answer takes.
"""

import errno
import io
import os
import socket
import struct
import sys

from servers.mode import Copy, FileShrankError, Mode

MODE = Mode(
    name="stdlib-sendfile",
    port=8093,
    summary="socket.sendfile() of the standard library: poll() and sendfile()",
    copies=(
        Copy("disk", "page cache", "dma"),
        Copy("page cache", "NIC", "dma"),
    ),
)


class _NeverRead(io.FileIO):
    """A file for os.sendfile() alone."""

    def read(self, _size: int | None = -1, /) -> bytes:
        given_up = sys.exception()  # socket._GiveupOnSendfile, whose argument is the error of os.sendfile()
        reason = given_up.args[0] if given_up is not None and given_up.args else None
        if isinstance(reason, OSError):
            raise reason
        raise OSError(errno.EOPNOTSUPP, "socket.sendfile() fell back to read() and send()")


def send_file(sock: socket.socket, fd: int, offset: int, count: int) -> None:
    if count == 0:  # socket.sendfile() takes no count of 0
        return
    with _NeverRead(fd, closefd=False) as file:
        sock.settimeout(_send_timeout_s(sock))
        try:
            sent = sock.sendfile(file, offset, count)
        except TimeoutError as error:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from error
        finally:
            sock.settimeout(None)
    if sent < count:
        raise FileShrankError(count - sent)


def _send_timeout_s(sock: socket.socket) -> float | None:
    seconds, microseconds = struct.unpack("@ll", sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16))
    return seconds + microseconds / 1e6 or None
