"""The server that all modes share: accept, one thread per connection, limits, time-outs, an orderly end.

Its rule: everything but `send_file` is the same for every mode. Descriptors stay blocking and time-outs are the
kernel's; the head leaves with MSG_MORE, together with the body's first bytes, since a head sent alone costs 44 ms
per keep-alive request (Nagle's algorithm meets delayed ACKs).
"""

import contextlib
import errno
import os
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from servers import files, http
from servers.http import HttpError, Request, RequestReader
from servers.mode import FileShrankError

_THREAD_STACK_BYTES = 512 << 10
_LINGER_S = 1.0
_LINGER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server allows its peers. send_timeout_s bounds the time without any progress of a body."""

    connections: int = 4096
    head_timeout_s: float = 10.0
    idle_timeout_s: float = 60.0
    send_timeout_s: float = 30.0
    grace_s: float = 2.0


class Server:
    """Answers requests on a listening socket until it is told to stop.

    send_file: servers.mode.SendFile with its options bound. lifeline: a descriptor whose end of file means that
    the parent has gone, however it went; then the server ends at once.
    """

    def __init__(
        self,
        listener: socket.socket,
        root: bytes,
        send_file: partial[None],
        limits: Limits,
        lifeline: int | None = None,
    ) -> None:
        self._listener = listener
        self._root = root
        self._send_file = send_file
        self._limits = limits
        self._lifeline = lifeline
        self._stopping = False
        self._abandoned = False
        self._busy: dict[socket.socket, bool] = {}
        self._changed = threading.Condition()

    def stop(self) -> None:
        """Accept no more; let downloads in flight finish for grace_s. Safe in a signal handler of the main thread."""
        self._stopping = True
        with contextlib.suppress(OSError):  # a second signal finds it shut down
            self._listener.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        """Accept until stop() is called or the lifeline ends, then bring the connections to an end."""
        threading.stack_size(_THREAD_STACK_BYTES)
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        if self._lifeline is not None:
            poll.register(self._lifeline, select.POLLIN)
        while not self._stopping:
            ready = {fd for fd, _ in poll.poll()}
            if self._lifeline in ready:
                self._abandoned = self._stopping = True
            elif not self._stopping:
                self._accept()
        self._listener.close()
        self._finish()

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                _say("cannot accept: too many open files; waiting for connections to end")
                time.sleep(0.05)
            elif not self._stopping and error.errno not in (errno.ECONNABORTED, errno.EAGAIN, errno.EINTR):
                raise
            return
        with self._changed:
            full = len(self._busy) >= self._limits.connections
            if not full:
                self._busy[sock] = False
        if full:
            self._refuse(sock)
            return
        try:
            threading.Thread(target=self._connection, args=(sock,), daemon=True).start()
        except RuntimeError:  # no thread to be had
            self._forget(sock)
            self._refuse(sock)

    def _refuse(self, sock: socket.socket) -> None:
        """Say 503 without waiting for anything: this runs in the thread that accepts."""
        why = f"all {self._limits.connections} connections are taken"
        error = HttpError(HTTPStatus.SERVICE_UNAVAILABLE, why, headers=("Retry-After: 1",), closes=True)
        with sock, contextlib.suppress(OSError):
            sock.setblocking(False)
            sock.send(http.error_response(error, keep_alive=False, head_only=False))
            sock.shutdown(socket.SHUT_WR)
            sock.recv(http.MAX_HEAD_BYTES)  # what has arrived: closing over unread bytes would reset the answer away

    def _connection(self, sock: socket.socket) -> None:
        """One connection's thread. Errors of the peer end the connection and nothing else."""
        try:
            with sock:
                _set_timeouts(sock, self._limits)
                self._answer_all(sock)
        except BlockingIOError:
            _say("closed a connection: the peer took nothing for longer than the send time-out")
        except FileShrankError as error:
            _say(f"closed a connection: {error}")
        except MemoryError:
            _say("closed a connection: not enough memory for this mode to answer it")
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.ETIMEDOUT, errno.EBADF):
                _say(f"closed a connection: {error}")
        finally:
            self._forget(sock)

    def _answer_all(self, sock: socket.socket) -> None:
        reader = RequestReader(sock, self._limits.head_timeout_s, self._limits.idle_timeout_s)
        keep_alive = True
        while keep_alive and not self._stopping:
            try:
                request = reader.next()
            except HttpError as error:
                keep_alive = self._answer_error(sock, error, None)
                continue
            if request is None:
                return
            self._set_busy(sock, True)
            try:
                keep_alive = self._answer(sock, request)
            except HttpError as error:
                keep_alive = self._answer_error(sock, error, request)
            self._set_busy(sock, False)

    def _answer(self, sock: socket.socket, request: Request) -> bool:
        with files.open_file(self._root, request.path) as file:
            part = http.resolve_range(request.byte_range, file.size_bytes)
            offset, count = part or (0, file.size_bytes)
            head = http.file_head(file.size_bytes, part, request.keep_alive)
            if request.method == "HEAD" or count == 0:
                sock.sendall(head)
            else:
                sock.sendall(head, socket.MSG_MORE)
                try:
                    self._send_file(sock, file.fd, offset, count)
                except BlockingIOError:
                    # The peer is too slow. Drop what the kernel still holds for it, instead of retrying for minutes.
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    raise
        return request.keep_alive

    def _answer_error(self, sock: socket.socket, error: HttpError, request: Request | None) -> bool:
        keep_alive = not error.closes and (request is None or request.keep_alive)
        head_only = request is not None and request.method == "HEAD"
        sock.sendall(http.error_response(error, keep_alive, head_only))
        if not keep_alive:
            _linger(sock)
        return keep_alive

    def _set_busy(self, sock: socket.socket, busy: bool) -> None:
        with self._changed:
            self._busy[sock] = busy

    def _forget(self, sock: socket.socket) -> None:
        with self._changed:
            self._busy.pop(sock, None)
            self._changed.notify_all()

    def _finish(self) -> None:
        """End idle connections now, the others when their answer is out or the grace is over."""
        grace_s = 0.0 if self._abandoned else self._limits.grace_s
        with self._changed:
            _shut_down(sock for sock, busy in self._busy.items() if not busy)
            self._changed.wait_for(lambda: not self._busy, grace_s)
            _shut_down(self._busy)
            self._changed.wait_for(lambda: not self._busy, 1.0)


def listen(host: str, port: int, backlog: int = 4096) -> socket.socket:
    """A listening TCP socket. Raises OSError (EADDRINUSE, EACCES, a name that does not resolve)."""
    family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, proto)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited by accepted sockets, as the next
        listener.bind(address)
        listener.listen(backlog)
        listener.setblocking(False)  # a connection aborted between poll() and accept() must not block the loop
    except OSError:
        listener.close()
        raise
    return listener


def set_congestion_control(listener: socket.socket, wanted: tuple[str, ...]) -> str:
    """Use the first of the wanted algorithms that is permitted (tcp(7)); the name of the one in force.

    BBR paces, which costs sendfile more than read+send on loopback and would decide a comparison by itself.
    """
    for name in wanted:
        with contextlib.suppress(OSError):  # EPERM: not in tcp_allowed_congestion_control; ENOENT: no such module
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode("ascii"))
            break
    in_force = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
    return in_force.rstrip(b"\0").decode("ascii")


def _set_timeouts(sock: socket.socket, limits: Limits) -> None:
    """The kernel's time-outs (socket(7)); settimeout() would make the descriptor non-blocking."""
    recv_timeout_s = min(limits.head_timeout_s, limits.idle_timeout_s)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(recv_timeout_s))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(limits.send_timeout_s))


def _timeval(seconds: float) -> bytes:
    return struct.pack("@ll", int(seconds), int(seconds % 1 * 1e6))


def _linger(sock: socket.socket) -> None:
    """Let the peer read the last answer: closing over unread bytes would send a reset that overtakes it."""
    sock.shutdown(socket.SHUT_WR)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(_LINGER_S))
    until, left = time.monotonic() + _LINGER_S, _LINGER_BYTES
    with contextlib.suppress(BlockingIOError):
        while left > 0 and time.monotonic() < until:
            data = sock.recv(http.MAX_HEAD_BYTES)
            if not data:
                return
            left -= len(data)


def _shut_down(socks: Iterable[socket.socket]) -> None:
    for sock in list(socks):
        with contextlib.suppress(OSError):  # it may just have closed
            sock.shutdown(socket.SHUT_RDWR)


def _say(message: str) -> None:
    print(f"{os.getpid()}: {message}", file=sys.stderr, flush=True)
