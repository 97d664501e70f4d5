"""The time-outs of a blocking socket, for code that must keep them itself."""

import errno
import os
import socket
import struct


def timeout_s(sock: socket.socket, option: int = socket.SO_SNDTIMEO) -> float | None:
    """SO_SNDTIMEO or SO_RCVTIMEO in seconds, None for no limit (socket(7))."""
    seconds, microseconds = struct.unpack("@ll", sock.getsockopt(socket.SOL_SOCKET, option, 16))
    return seconds + microseconds / 1e6 or None


def timed_out() -> BlockingIOError:
    """The error that the kernel's own time-outs raise."""
    return BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
