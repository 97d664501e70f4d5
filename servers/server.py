"""The server that all modes share: accept, one thread per connection, limits, an orderly end.

Its rule: everything but `send_file` is the same for every mode.
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
from servers.http.responses import HttpError, unavailable
from servers.log import log
from servers.mode import MOST_CONNECTIONS, FileShrankError, SendFile

_THREAD_STACK_BYTES = 512 << 10
_FIRST_BYTES = 128 << 10  # a thread needs this much beside its stack to answer; its data path may need more
_PAUSE_S = 0.05  # until a shortage is looked at again
_PEER_HAS_GONE = frozenset({errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.ETIMEDOUT})
_BROKEN_LISTENER = frozenset({errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT})
_SHORTAGE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server allows its peers. send_timeout_s: how long a body may make no progress."""

    connections: int = MOST_CONNECTIONS
    head_timeout_s: float = 10.0
    idle_timeout_s: float = 60.0
    send_timeout_s: float = 30.0
    grace_s: float = 2.0


@dataclass(eq=False)
class Server:
    """Answers requests on a listening socket until it is stopped.

    send_file: a mode's, with its options bound. lifeline: a descriptor whose end of file means that the parent has
    gone; the server then ends at once. wrap: discovery.wrapper(), must not wait for the peer. require:
    discovery.requirement(); its OSError becomes 501, or 503 for a shortage, before a body is promised.
    """

    listener: socket.socket
    root: bytes
    send_file: SendFile
    limits: Limits
    lifeline: int | None = None
    wrap: Callable[[socket.socket], socket.socket] = lambda sock: sock
    require: Callable[[socket.socket], None] | None = None

    def __post_init__(self) -> None:
        self._stop, self._stopped = socket.socketpair()
        self._stop.setblocking(False)
        self._stopping = False
        self._saturated = False
        self._connections = Connections(self.limits.connections)

    @property
    def stop_fd(self) -> int:
        """Any byte written to it stops the server; for signal.set_wakeup_fd."""
        return self._stop.fileno()

    def stop(self) -> None:
        """Accept no more and let downloads finish within grace_s; safe from any thread."""
        with contextlib.suppress(BlockingIOError):  # full of such bytes already
            self._stop.send(b"\0")

    def close(self) -> None:
        """Release the server's own descriptors, after serve() has returned and stop_fd is no longer in use."""
        self._stop.close()
        self._stopped.close()

    def serve(self) -> None:
        """Accept until stop() or the end of the lifeline, then end the connections."""
        threading.stack_size(_THREAD_STACK_BYTES)
        ending = {self._stopped.fileno()} | ({self.lifeline} if self.lifeline is not None else set())
        poll = select.poll()
        for fd in (self.listener.fileno(), *ending):
            poll.register(fd, select.POLLIN)
        ended: set[int] = set()
        while not ended:
            try:
                ended = ending.intersection(fd for fd, _ in poll.poll())
                if not ended:
                    self._accept()
            except MemoryError:  # what was being accepted closes; no call of Python code here, which needs memory
                time.sleep(_PAUSE_S)
        self._stopping = True
        self.listener.close()
        with contextlib.suppress(MemoryError):  # then they end with the process
            self._connections.finish(0.0 if self.lifeline in ended else self.limits.grace_s)

    def _accept(self) -> None:
        try:
            accepted = sockets.accept(self.listener)
        except OSError as error:
            if error.errno in _SHORTAGE:
                self._wait_out(error)
            elif error.errno in _BROKEN_LISTENER:
                raise
            return  # any other error concerns this connection only, accept(2)
        self._saturated = False
        try:
            sock = self.wrap(accepted)
        except OSError:  # the peer has gone
            accepted.close()
            return
        connection = self._connections.add(sock)
        if connection is None:
            self._refuse(sock, f"all {self._connections.limit} connections are in use")
            return
        try:
            sockets.reserve(_FIRST_BYTES)
            # threading.Thread would wait for ever for a thread that dies for lack of memory before its first line
            _thread.start_new_thread(self._serve_connection, (connection,))
        except (RuntimeError, OSError):
            self._connections.remove(connection)
            self._refuse(sock, "there is no memory for another thread, or no thread can be started")

    def _wait_out(self, shortage: OSError) -> None:
        if not self._saturated:
            log(f"cannot accept: {shortage.strerror}; waiting for connections to end")
        self._saturated = True
        time.sleep(_PAUSE_S)  # the waiting connection keeps poll() awake

    def _refuse(self, sock: socket.socket, why: str) -> None:
        """Answer 503 without blocking: this runs in the accepting thread."""
        with sock:
            answer = responses.error_response(unavailable(why), keep_alive=False, head_only=False)
            sockets.send_without_waiting(sock, answer)

    def _serve_connection(self, connection: Connection) -> None:
        """One connection's thread: an error ends this connection and nothing else."""
        sock = connection.sock
        try:
            with sock, _reset_if_unfinished(sock):
                idle_s, head_s = self.limits.idle_timeout_s, self.limits.head_timeout_s
                sockets.set_timeouts(sock, min(idle_s, head_s), self.limits.send_timeout_s)
                with contextlib.closing(Files(self.root)) as opened:
                    self._answer_all(connection, RequestReader(sock, head_s, idle_s), opened)
        except BlockingIOError:
            log("closed a connection: the peer received nothing within the send time-out")
        except (FileShrankError, FileChangedError) as error:
            log(f"closed a connection: {error}")
        except MemoryError:
            log("closed a connection: out of memory")
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
                keep_alive = not error.closes and (request is None or request.keep_alive)
                sock.sendall(responses.error_response(error, keep_alive, reader.head_only))
            connection.busy = False
        if not keep_alive:
            sockets.finish_sending(sock)

    def _answer(self, sock: socket.socket, request: Request, opened: Files) -> bool:
        file = opened.open_file(request.path)
        part = responses.resolve_range(request.byte_range, file.size_bytes)
        offset, count = part or (0, file.size_bytes)
        if self.require is not None:
            self._check_machine(sock, self.require)
        head = responses.file_head(file.size_bytes, part, request.keep_alive, request.precondition)
        if request.method == "HEAD" or count == 0 or request.precondition is not None:
            sock.sendall(head)
            return request.keep_alive
        sockets.cork(sock, True)
        sock.sendall(head)
        self.send_file(sock, file.fd, offset, count)
        file.check_unchanged()
        sockets.cork(sock, False)  # after an error close() does it
        return request.keep_alive

    def _check_machine(self, sock: socket.socket, require: Callable[[socket.socket], None]) -> None:
        try:
            require(sock)
        except OSError as error:
            if error.errno in _SHORTAGE:  # io_uring's memory counts as locked, which is limited (`ulimit -l`)
                raise unavailable(f"this data path is short of resources: {error.strerror}") from error
            why = f"this machine lacks what this data path needs: {error.strerror}"
            raise HttpError(HTTPStatus.NOT_IMPLEMENTED, why, closes=True) from error


@contextlib.contextmanager
def _reset_if_unfinished(sock: socket.socket) -> Iterator[None]:
    """Reset a connection that timed out or whose file changed: no retries, and nothing more from under the cork."""
    try:
        yield
    except (BlockingIOError, FileChangedError):
        sockets.reset_when_closed(sock)
        raise
