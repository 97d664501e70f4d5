"""Socket set-up: listening, congestion control, time-outs, ways to close.

Its rule: a socket stays blocking, with the kernel's own time-outs (SO_RCVTIMEO, SO_SNDTIMEO, socket(7)). `settimeout()`
would make the descriptor non-blocking, and `os.sendfile` would raise EAGAIN.
"""

import contextlib
import errno
import mmap
import os
import socket
import struct
import time

from errors import UserError

SHORTAGE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_FAIREST_CONGESTION_CONTROL = ("cubic", "reno")  # reno where an unprivileged user may not choose cubic
_LINGER_S = 1.0
_LINGER_BYTES = 1 << 20
_RECEIVE_BYTES = 16 << 10


def listen(host: str, port: int, backlog: int = 4096) -> socket.socket:
    """A listening TCP socket. Raises OSError (EADDRINUSE, EACCES, a name that does not resolve)."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except UnicodeError as error:  # from the idna codec, before any look-up
        raise OSError(socket.EAI_NONAME, "it is not a valid host name") from error
    listener = socket.socket(family, kind, proto)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # restart without waiting for TIME_WAIT
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted sockets inherit it
        listener.bind(address)
        listener.listen(backlog)
        listener.setblocking(False)  # a connection aborted between poll() and accept() must not block the loop
    except OSError:
        listener.close()
        raise
    return listener


def accept(listener: socket.socket) -> socket.socket:
    """The next connection. socket.accept() leaks its descriptor, and never closes it, where memory runs out."""
    fd, _ = listener._accept()  # type: ignore[attr-defined]  # what socket.accept() calls
    try:
        return socket.socket(listener.family, listener.type, listener.proto, fileno=fd)
    except MemoryError:
        os.close(fd)
        raise


def reserve(size_bytes: int) -> None:
    """Raises OSError (ENOMEM) unless there is room for this much memory now."""
    mmap.mmap(-1, size_bytes, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()


def set_congestion_control(listener: socket.socket, wanted: str | None = None) -> str:
    """Use this algorithm, by default cubic or else reno (tcp(7)); returns the one in force.

    Never BBR by default: its pacing costs sendfile more than read+send on loopback and would decide a comparison.
    Raises UserError when the wanted one is refused.
    """
    for name in [wanted] if wanted else _FAIREST_CONGESTION_CONTROL:
        with contextlib.suppress(OSError):  # EPERM: not in tcp_allowed_congestion_control; ENOENT: no such module
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, os.fsencode(name))
            break
    in_force = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0").decode("ascii")
    if wanted and in_force != wanted:
        raise UserError(
            f"congestion control {wanted!r} was refused, {in_force} is in force: choose one that "
            f"`sysctl net.ipv4.tcp_allowed_congestion_control` lists"
        )
    return in_force


def cork(sock: socket.socket, on: bool) -> None:
    """Hold back partial packets until it is turned off, for at most 200 ms (TCP_CORK, tcp(7)).

    A head sent alone costs 44 ms per keep-alive request where Nagle's algorithm meets delayed ACKs. And without the
    cork every incoming ACK sends a partial packet: sendfile() used 15 % more CPU per byte on loopback.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, on)


def set_timeouts(sock: socket.socket, receive_s: float, send_s: float) -> None:
    """After this long without progress recv(), send() and sendfile() raise BlockingIOError."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(receive_s))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(send_s))


def _timeval(seconds: float) -> bytes:
    return struct.pack("@ll", int(seconds), int(seconds % 1 * 1e6))


def reset_when_closed(sock: socket.socket) -> None:
    """Let close() drop unsent data, instead of retrying for minutes to a peer that receives nothing."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def finish_sending(sock: socket.socket) -> None:
    """Half-close, then read and drop what the peer still sends, for a moment.

    Closing over unread bytes would send a reset that may overtake the last answer, RFC 9112 section 9.6.
    """
    sock.shutdown(socket.SHUT_WR)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(_LINGER_S))
    until, left = time.monotonic() + _LINGER_S, _LINGER_BYTES
    with contextlib.suppress(BlockingIOError):
        while left > 0 and time.monotonic() < until:
            data = sock.recv(_RECEIVE_BYTES)
            if not data:
                return
            left -= len(data)


def send_without_waiting(sock: socket.socket, answer: bytes) -> None:
    """Send a few hundred bytes, half-close and drop what has arrived, never blocking."""
    with contextlib.suppress(OSError):  # the peer has gone
        sock.setblocking(False)
        sock.send(answer)
        sock.shutdown(socket.SHUT_WR)
        sock.recv(_RECEIVE_BYTES)
