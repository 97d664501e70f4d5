"""What the kernel is told about a socket: listening, congestion control, time-outs, three ways to close.

Its rule: a socket stays blocking. `settimeout()` would make the descriptor non-blocking underneath, and
`os.sendfile` then raises EAGAIN; the kernel's own time-outs (SO_RCVTIMEO, SO_SNDTIMEO, socket(7)) do not.
"""

import contextlib
import os
import socket
import struct
import time
from collections.abc import Iterable

_LINGER_S = 1.0
_LINGER_BYTES = 1 << 20
_RECEIVE_BYTES = 16 << 10


def listen(host: str, port: int, backlog: int = 4096) -> socket.socket:
    """A listening TCP socket. Raises OSError (EADDRINUSE, EACCES, a name that does not resolve)."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except UnicodeError as error:  # the idna codec refuses it before any look-up
        raise OSError(socket.EAI_NONAME, "this is no host name") from error
    listener = socket.socket(family, kind, proto)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # no waiting for TIME_WAIT after a restart
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited by accepted sockets, as the next
        listener.bind(address)
        listener.listen(backlog)
        listener.setblocking(False)  # a connection aborted between poll() and accept() must not block the loop
    except OSError:
        listener.close()
        raise
    return listener


def set_congestion_control(listener: socket.socket, wanted: Iterable[str]) -> str:
    """Use the first of the wanted algorithms that is permitted (tcp(7)); the name of the one in force.

    BBR paces, which costs sendfile more than read+send on loopback and would decide a comparison by itself.
    """
    for name in wanted:
        with contextlib.suppress(OSError):  # EPERM: not in tcp_allowed_congestion_control; ENOENT: no such module
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, os.fsencode(name))
            break
    in_force = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
    return in_force.rstrip(b"\0").decode("ascii")


def cork(sock: socket.socket, on: bool) -> None:
    """Hold back what does not fill a packet, until the cork is out again (TCP_CORK, tcp(7)); not beyond 200 ms.

    A head sent alone costs 44 ms per keep-alive request where Nagle's algorithm meets delayed ACKs. And without the
    cork every ACK that comes in sends the beginning of a packet: sendfile() paid 15 % more CPU per byte on loopback.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, on)


def set_timeouts(sock: socket.socket, receive_s: float, send_s: float) -> None:
    """After this long without progress recv() and send() raise BlockingIOError; sendfile() too."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(receive_s))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(send_s))


def _timeval(seconds: float) -> bytes:
    return struct.pack("@ll", int(seconds), int(seconds % 1 * 1e6))


def reset_when_closed(sock: socket.socket) -> None:
    """Drop at close() what the kernel still holds for a peer that takes nothing, instead of retrying for minutes."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def finish_sending(sock: socket.socket) -> None:
    """Say that this was all, and let the peer read it.

    Closing over unread bytes would send a reset that may overtake the last answer, RFC 9112 section 9.6. What the
    peer still sends is read and dropped, for a moment.
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
    """The same for a thread that may not wait: an answer of a few hundred bytes, and what has arrived is dropped."""
    with contextlib.suppress(OSError):  # the peer has gone already
        sock.setblocking(False)
        sock.send(answer)
        sock.shutdown(socket.SHUT_WR)
        sock.recv(_RECEIVE_BYTES)


def shut_down(socks: Iterable[socket.socket]) -> None:
    """Wake the threads that read from these sockets or write to them; whoever owns a socket closes it."""
    for sock in list(socks):
        with contextlib.suppress(OSError):  # the peer has gone, or its thread has just closed it
            sock.shutdown(socket.SHUT_RDWR)
