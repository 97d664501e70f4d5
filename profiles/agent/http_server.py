"""The agent's HTTP server: checks the token, limits the size and duration of requests, and calls their handlers.

Its rule: requests are read concurrently, so that a slow peer delays nobody, and handled one at a time, in order.
A request without the token learns nothing, and every refusal is one clear line (profiles.protocol.Refusal). What is
read of a peer is counted as it arrives, whatever it declares; `_answer` turns all that it may send into an answer.
"""

import contextlib
import gzip
import hmac
import io
import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from errors import UserError
from profiles.agent.access import Access
from profiles.agent.lease import AgentBusyError, LeaseLostError
from profiles.agent.unread import MAX_BYTES, READ_TIMEOUT_S, CountedReader, TooLongError, Unread
from profiles.protocol import BEAT_S, BUSY, LEASE_HEADER, LEASE_LOST, MAX_REQUEST_BYTES, Refusal

ANSWER_TIMEOUT_S = 30.0  # without progress
GZIP_FROM_BYTES = 1024
POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class AgentRequest:
    """A request whose token was right. local and peer: addresses of the connection's ends."""

    content: bytes = b""
    query: Mapping[str, str] = field(default_factory=dict)
    lease: str = ""
    local: str = ""
    peer: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """An answer that is no JSON."""

    content: str
    content_type: str


class UnknownPathError(UserError):
    """No handler has this path."""


Handler = Callable[[AgentRequest], Any]
Routes = Mapping[tuple[str, str], Handler]
_LENGTH = re.compile(r"[0-9]{1,9}")
_BEAT = b"HTTP/1.1 100 Continue\r\n\r\n"
_STATUS = {LeaseLostError: LEASE_LOST, AgentBusyError: BUSY, UnknownPathError: 404}


class _Handler(BaseHTTPRequestHandler):
    timeout = ANSWER_TIMEOUT_S
    server: "AgentServer"

    def setup(self) -> None:
        if isinstance(self.request, ssl.SSLSocket):
            self.request.settimeout(READ_TIMEOUT_S)
            self.request.do_handshake()
        super().setup()
        self.headers = Message()  # until they have been read
        self.rfile.close()
        self.rfile = io.BufferedReader(CountedReader(self.connection, "r"))

    def handle(self) -> None:
        try:
            self.handle_one_request()
        except TooLongError:
            self._send(413, Refusal(f"a request has {MAX_BYTES} bytes at most", 1))

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not _LENGTH.fullmatch(length) or int(length) > MAX_REQUEST_BYTES:
            self._send(400, Refusal(f"a request needs a Content-Length, of at most {MAX_REQUEST_BYTES} bytes", 1))
            return
        content = self.rfile.read(int(length))
        if len(content) == int(length):  # else the peer is gone, or was too slow
            self._answer(content)

    def _answer(self, content: bytes) -> None:
        self.server.unread.discard(self.request)
        given = self.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, b"Bearer " + self.server.token.encode()):
            self._send(403, Refusal("the token is missing or wrong", 1))
            return
        self.server.unread.know(str(self.client_address[0]))
        try:
            status, answer = 200, self._handled(content)
        except UserError as error:
            status, answer = _STATUS.get(type(error), 400), Refusal(str(error), error.exit_code)
        except (ValueError, ArithmeticError, RecursionError, msgspec.DecodeError) as error:
            status, answer = 400, Refusal(f"{self.command} {self.path[:100]!r} was not understood: {error}", 1)
        except OSError as error:
            status, answer = 500, Refusal(f"{self.command} {self.path[:100]!r} failed: {error}", 1)
        self._send(status, answer)

    def _handled(self, content: bytes) -> Any:
        url = urlsplit(self.path)
        handler = self.server.routes.get((self.command, url.path))
        if handler is None:
            raise UnknownPathError(f"the agent does not answer {self.command} {url.path[:100]!r}")
        with self.server.beating(self.request):
            return self.server.handle(handler, self._request(content, url.query))

    def send_error(self, code: int, message: str | None = None, _explain: str | None = None) -> None:
        """What http.server refuses before a method is called; it would answer with a page."""
        self._send(code if code < 500 else 400, Refusal(f"the request was not understood: {message or code}", 1))

    def _request(self, content: bytes, query: str) -> AgentRequest:
        return AgentRequest(
            content=content,
            query={name: values[0] for name, values in parse_qs(query).items()},
            lease=self.headers.get(LEASE_HEADER, ""),
            local=str(self.connection.getsockname()[0]),
            peer=str(self.client_address[0]),
        )

    def _send(self, status: int, answer: Any) -> None:
        text = answer if isinstance(answer, Text) else Text(msgspec.json.encode(answer).decode(), "application/json")
        content = text.content.encode()
        zipped = len(content) > GZIP_FROM_BYTES and "gzip" in self.headers.get("Accept-Encoding", "")
        content = gzip.compress(content, mtime=0) if zipped else content
        self.send_response(status)
        self.send_header("Content-Type", text.content_type)
        if zipped:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: refusals are in the answers."""


class AgentServer(ThreadingTCPServer):
    """Listens where access says. housekeeping: called a few times a second, never while a request is handled.

    Raises UserError where it cannot listen.
    """

    allow_reuse_address = True
    request_queue_size = 128
    daemon_threads = True
    block_on_close = False  # do not wait for peers that do not take their answers

    def __init__(self, access: Access, routes: Routes, housekeeping: Callable[[], None]) -> None:
        host, port = access.address.host, access.address.port
        place: Any
        try:
            self.address_family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            super().__init__(place, _Handler)
        except UnicodeError as error:
            raise UserError(f"the agent cannot listen on {access.address}: this is not a host name") from error
        except OSError as error:
            why = f"{error.strerror}; give an address of this host and a free port"
            raise UserError(f"the agent cannot listen on {access.address}: {why}") from error
        self.port: int = self.socket.getsockname()[1]
        self.token = access.token
        self.routes = routes
        self._tls = access.tls
        self._housekeeping = housekeeping
        self._turn = threading.Lock()
        self._closed = False
        self._guard = threading.Lock()
        self._waiting: dict[socket.socket, float] = {}  # for an answer, each with the moment of its next beat
        self.unread = Unread()

    def get_request(self) -> tuple[socket.socket, Any]:
        sock, peer = self.socket.accept()
        if self._tls is not None:
            sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        self.unread.add(sock, str(peer[0]))
        return sock, peer

    @contextlib.contextmanager
    def beating(self, sock: socket.socket) -> Iterator[None]:
        """Meanwhile the peer hears that the agent is at work."""
        with self._guard:
            self._waiting[sock] = time.monotonic() + BEAT_S
        try:
            yield
        finally:
            with self._guard:
                del self._waiting[sock]

    def _beat(self, now_s: float) -> None:
        with self._guard:
            for sock in [sock for sock, due_s in self._waiting.items() if due_s <= now_s]:
                self._waiting[sock] = now_s + BEAT_S
                with contextlib.suppress(OSError):  # it has gone, which its own thread finds out
                    sock.sendall(_BEAT)

    def handle(self, handler: Handler, request: AgentRequest) -> Any:
        """One at a time, and none once the agent is ending."""
        with self._turn:
            if self._closed:
                raise UserError("the agent is ending")
            return handler(request)

    def service_actions(self) -> None:
        """Called between requests and every POLL_S: close connections that are too slow, then the housekeeping."""
        self.unread.shut_down_slow()
        self._beat(time.monotonic())
        if self._turn.acquire(blocking=False):
            try:
                self._housekeeping()
            finally:
                self._turn.release()

    def close_request(self, request: Any) -> None:
        self.unread.discard(request)
        super().close_request(request)

    def end(self, within_s: float) -> None:
        """Close, and wait this long for the request that is being handled; none is handled afterwards."""
        self.server_close()
        held = self._turn.acquire(timeout=within_s)
        self._closed = True
        if held:
            self._turn.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print a traceback, unless the peer went away, was too slow or spoke no TLS."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError | ssl.SSLError):
            super().handle_error(request, client_address)
