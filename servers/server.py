"""The server that all modes share: accept, one thread per connection, limits, an orderly end.

Its rule: everything but `send_file` is the same for every mode. What goes over a connection is up to http/answers.py
or raw.py.
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

from servers import sockets
from servers.connections import Connection, Connections
from servers.files import FileChangedError
from servers.http.answers import HttpAnswers
from servers.log import log
from servers.mode import MOST_CONNECTIONS, FileShrankError, SendFile, WireProtocol
from servers.raw import RawAnswers

_THREAD_STACK_BYTES = 512 << 10
_FIRST_BYTES = 128 << 10  # a thread needs this much beside its stack to answer; its data path may need more
_PAUSE_S = 0.05  # until a shortage is looked at again
_PEER_HAS_GONE = frozenset({errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.ETIMEDOUT})
_BROKEN_LISTENER = frozenset({errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT})


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
    discovery.requirement(); its OSError becomes 501, or 503 for a shortage, before a body is promised; over raw
    connections, which end, a line of the log.
    """

    listener: socket.socket
    root: bytes
    send_file: SendFile
    limits: Limits
    lifeline: int | None = None
    wrap: Callable[[socket.socket], socket.socket] = lambda sock: sock
    require: Callable[[socket.socket], None] | None = None
    protocol: WireProtocol = "http"

    def __post_init__(self) -> None:
        self._stop, self._stopped = socket.socketpair()
        self._stop.setblocking(False)
        self._stopping = False
        self._saturated = False
        self._connections = Connections(self.limits.connections)
        shared = self.root, self.send_file, self.require
        timeouts_s = self.limits.head_timeout_s, self.limits.idle_timeout_s
        self._answers = RawAnswers(*shared) if self.protocol == "raw" else HttpAnswers(*shared, *timeouts_s)

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
            if error.errno in sockets.SHORTAGE:
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
        """Say so without blocking: this runs in the accepting thread."""
        with sock:
            sockets.send_without_waiting(sock, self._answers.refusal(why))

    def _serve_connection(self, connection: Connection) -> None:
        """One connection's thread: an error ends this connection and nothing else."""
        sock = connection.sock
        try:
            with sock, _reset_if_unfinished(sock):
                receive_s = min(self.limits.idle_timeout_s, self.limits.head_timeout_s)
                sockets.set_timeouts(sock, receive_s, self.limits.send_timeout_s)
                self._answers.answer_all(connection, lambda: self._stopping)
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


@contextlib.contextmanager
def _reset_if_unfinished(sock: socket.socket) -> Iterator[None]:
    """Reset a connection that timed out or whose file changed: no retries, and nothing more from under the cork."""
    try:
        yield
    except (BlockingIOError, FileChangedError):
        sockets.reset_when_closed(sock)
        raise
