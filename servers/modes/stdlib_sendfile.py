"""socket.sendfile: what most Python programs call.

Its rule: sendfile(2) or an error. On an OSError of its first os.sendfile() the standard library silently falls back to
read() and send() in pieces of 8 KiB (socket._sendfile_use_send); the file given to it here refuses to be read, and
raises the hidden error. Another trap: it waits with a select() that ignores SO_SNDTIMEO. So settimeout() is set during
the answer, which makes the descriptor non-blocking and adds a poll() before every sendfile().
"""

import errno
import io
import socket
import sys

from servers.mechanisms.timeouts import timed_out, timeout_s
from servers.mode import BY_REFERENCE, FileShrankError, Mode

MODE = Mode(
    name="stdlib-sendfile",
    port=8093,
    summary="socket.sendfile() of the standard library: poll() and sendfile()",
    copies=BY_REFERENCE,
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
        sock.settimeout(timeout_s(sock))
        try:
            sent = sock.sendfile(file, offset, count)
        except TimeoutError as error:
            raise timed_out() from error
        finally:
            sock.settimeout(None)
    if sent < count:
        raise FileShrankError(count - sent)
