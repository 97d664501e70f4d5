"""The server that all modes share: accept, one thread per connection, limits, an orderly end.

Its rule: everything but `send_file` is the same for every mode. The socket is corked while an answer goes out, so
that head and body share their packets and all but the last are full (sockets.cork).
"""

import _thread
import contextlib
import errno
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

from servers import sockets
from servers.connections import Connection, Connections
from servers.files import FileChangedError, Files
from servers.http import responses
from servers.http.request_head import Request
from servers.http.request_reader import RequestReader
from servers.http.responses import HttpError
from servers.log import log
from servers.mode import FileShrankError, SendFile

_THREAD_STACK_BYTES = 512 << 10
_PEER_HAS_GONE = frozenset({errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.ETIMEDOUT})
_BROKEN_LISTENER = frozenset({errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT})
_SHORTAGE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server allows its peers. send_timeout_s bounds the time without any progress of a body."""

    connections: int = 2048
    head_timeout_s: float = 10.0
    idle_timeout_s: float = 60.0
    send_timeout_s: float = 30.0
    grace_s: float = 2.0


class Server:
    """Answers requests on a listening socket until it is told to stop.

    send_file: a mode's, with its options bound. lifeline: a descriptor whose end of file means that the parent has
    gone, however it went; then the server ends at once. wrap: makes an accepted socket the one that
    send_file takes (mode.wrapper), without waiting for the peer. require: raises OSError where the machine
    lacks what send_file needs (mode.requirement); the answer is then 501, or 503 for a shortage, and no body that
    never comes.
    """

    def __init__(
        self,
        listener: socket.socket,
        root: bytes,
        send_file: SendFile,
        limits: Limits,
        lifeline: int | None = None,
        wrap: Callable[[socket.socket], socket.socket] = lambda sock: sock,
        require: Callable[[socket.socket], None] = lambda _: None,
    ) -> None:
        self._listener = listener
        self._root = root
        self._send_file = send_file
        self._limits = limits
        self._lifeline = lifeline
        self._wrap = wrap
        self._require = require
        self._stop, self._stopped = socket.socketpair()
        self._stop.setblocking(False)
        self._stopping = False
        self._saturated = False
        self._connections = Connections(limits.connections)

    @property
    def stop_fd(self) -> int:
        """Any byte written to it stops the server: made for signal.set_wakeup_fd."""
        return self._stop.fileno()

    def stop(self) -> None:
        """Accept no more; let downloads in flight finish for grace_s. Call it from any thread."""
        with contextlib.suppress(BlockingIOError):  # so many bytes are there already
            self._stop.send(b"\0")

    def close(self) -> None:
        """Release its own descriptors, once serve() has returned and no signal is sent to stop_fd any more."""
        self._stop.close()
        self._stopped.close()

    def serve(self) -> None:
        """Accept until it is stopped or the lifeline ends, then bring the connections to an end."""
        threading.stack_size(_THREAD_STACK_BYTES)
        ending = {self._stopped.fileno()} | ({self._lifeline} if self._lifeline is not None else set())
        poll = select.poll()
        for fd in (self._listener.fileno(), *ending):
            poll.register(fd, select.POLLIN)
        while not (ended := ending.intersection(fd for fd, _ in poll.poll())):
            self._accept()
        self._stopping = True
        self._listener.close()
        self._connections.finish(0.0 if self._lifeline in ended else self._limits.grace_s)

    def _accept(self) -> None:
        try:
            accepted, _ = self._listener.accept()
        except OSError as error:
            if error.errno in _SHORTAGE:
                self._wait_out(error)
            elif error.errno in _BROKEN_LISTENER:
                raise
            return  # all others are of this connection and not of the listener, accept(2)
        self._saturated = False
        try:
            sock = self._wrap(accepted)
        except OSError:  # the peer has gone already
            accepted.close()
            return
        connection = self._connections.add(sock)
        if connection is None:
            self._refuse(sock, f"all {self._connections.limit} connections are taken")
            return
        try:
            # Not threading.Thread, which waits for ever for one that dies of a lack of memory before its first line.
            _thread.start_new_thread(self._serve_connection, (connection,))
        except RuntimeError:
            self._connections.remove(connection)
            self._refuse(sock, "there is no thread to be had")

    def _wait_out(self, shortage: OSError) -> None:
        if not self._saturated:
            log(f"cannot accept: {shortage.strerror}; waiting for connections to end")
        self._saturated = True
        time.sleep(0.05)  # the waiting connection keeps poll() awake

    def _refuse(self, sock: socket.socket, why: str) -> None:
        """Say 503 without waiting for anything: this runs in the thread that accepts."""
        with sock:
            answer = responses.error_response(_unavailable(why), keep_alive=False, head_only=False)
            sockets.send_without_waiting(sock, answer)

    def _serve_connection(self, connection: Connection) -> None:
        """One connection's thread. Errors of the peer end the connection and nothing else."""
        sock = connection.sock
        try:
            with sock, _reset_if_unfinished(sock):
                idle_s, head_s = self._limits.idle_timeout_s, self._limits.head_timeout_s
                sockets.set_timeouts(sock, min(idle_s, head_s), self._limits.send_timeout_s)
                with contextlib.closing(Files(self._root)) as opened:
                    self._answer_all(connection, RequestReader(sock, head_s, idle_s), opened)
        except BlockingIOError:
            log("closed a connection: the peer took nothing for longer than the send time-out")
        except (FileShrankError, FileChangedError) as error:
            log(f"closed a connection: {error}")
        except MemoryError:
            log("closed a connection: not enough memory for this mode to answer it")
        except OSError as error:
            if error.errno not in _PEER_HAS_GONE:
                log(f"closed a connection: {error}")
        finally:
            self._connections.remove(connection)

    def _answer_all(self, connection: Connection, reader: RequestReader, opened: Files) -> None:
        sock, keep_alive = connection.sock, True
        while keep_alive and not self._stopping:
            request = None
            try:
                request = reader.next()
                if request is None:
                    return
                connection.busy = True
                keep_alive = self._answer(sock, request, opened)
            except HttpError as error:
                keep_alive = self._answer_error(sock, error, request, reader.head_only)
            connection.busy = False
        if not keep_alive:
            sockets.finish_sending(sock)

    def _answer(self, sock: socket.socket, request: Request, opened: Files) -> bool:
        file = opened.open_file(request.path)
        part = responses.resolve_range(request.byte_range, file.size_bytes)
        offset, count = part or (0, file.size_bytes)
        self._check_machine(sock)
        head = responses.file_head(file.size_bytes, part, request.keep_alive, request.precondition)
        if request.method == "HEAD" or count == 0 or request.precondition is not None:
            sock.sendall(head)
            return request.keep_alive
        sockets.cork(sock, True)
        sock.sendall(head)
        self._send_file(sock, file.fd, offset, count)
        file.check_unchanged()
        sockets.cork(sock, False)  # an error ends the connection, which sends what is left
        return request.keep_alive

    def _check_machine(self, sock: socket.socket) -> None:
        try:
            self._require(sock)
        except OSError as error:
            if error.errno in _SHORTAGE:  # io_uring's memory counts as locked, which is limited (`ulimit -l`)
                raise _unavailable(f"this data path cannot be had now: {error.strerror}") from error
            why = f"this machine lacks what this data path needs: {error.strerror}"
            raise HttpError(HTTPStatus.NOT_IMPLEMENTED, why, closes=True) from error

    def _answer_error(self, sock: socket.socket, error: HttpError, request: Request | None, head_only: bool) -> bool:
        keep_alive = not error.closes and (request is None or request.keep_alive)
        sock.sendall(responses.error_response(error, keep_alive, head_only))
        return keep_alive


def _unavailable(why: str) -> HttpError:
    return HttpError(HTTPStatus.SERVICE_UNAVAILABLE, why, headers=("Retry-After: 1",), closes=True)


@contextlib.contextmanager
def _reset_if_unfinished(sock: socket.socket) -> Iterator[None]:
    """A peer that takes nothing is not waited for after the end, nor does it get what the cork still holds back."""
    try:
        yield
    except (BlockingIOError, FileChangedError):
        sockets.reset_when_closed(sock)
        raise
