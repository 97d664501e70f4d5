"""What must hold of whatever a peer may send to an agent: one answer, below 500, in one printable line, or none.

Its rule: the server and the routes are the product's own; only what would start, stop or try something does nothing.
"""

import contextlib
import functools
import json
import os
import re
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from profiles import protocol
from profiles.agent.access import Access, Address
from profiles.agent.http_server import AgentServer, Handler, _Handler
from profiles.agent.lease import Leases
from profiles.agent.service import Agent, routes, routes_with_lease

TOKEN = "a-token-of-the-fuzzer"
NAMES = ("facts", "machine", "statuses", "start", "start_all", "stop", "stop_all", "prove", "check_clock", "record")
WORDS = (
    *("GET ", "POST ", " HTTP/1.1\r\n", "\r\n\r\n", "\r\n", "http://", "[::1", "Content-Length: ", "Bench-Lease: "),
    *(f"Authorization: Bearer {TOKEN}\r\n", "Transfer-Encoding: chunked\r\n", "Accept-Encoding: gzip\r\n", "Expect: "),
    *("/lease", "/release", "/alive", "/facts", "/start-all", "/watch", "/samples?after=", "/recording?target=", "%00"),
    *('{"name":"load","pid":', '{"cpus":[', '"target":"sendfile"', "99999999999999999999", "1e999", "\x1b[2J", "\xff"),
)
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


class _Peer(socket.socket):
    """One end of a pair, which has addresses."""

    def getsockname(self) -> Any:
        return ("127.0.0.1", 8070)


@functools.cache
def _server() -> AgentServer:
    agent = Agent(Path(tempfile.mkdtemp(prefix="bench-fuzz-")), interval_s=3600.0)
    for name in NAMES:
        setattr(agent, name, lambda *_: protocol.Done())
    answered: dict[tuple[str, str], Handler] = {**routes_with_lease(agent, Leases(lambda: None)), **routes(agent)}
    return AgentServer(Access(Address("127.0.0.1", 0), TOKEN), answered, lambda: None)


def seeds() -> Iterator[bytes]:
    token = f"Authorization: Bearer {TOKEN}\r\n"
    bodies: tuple[object, ...] = (
        {"load": "a"},
        {"name": "load", "pid": os.getpid()},
        {"target": "sendfile", "cpus": [0]},
        [],
        {},
        "a",
        1e308,
    )
    for method, path in _server().routes:
        for body in bodies if method == "POST" else ("",):
            content = json.dumps(body) if method == "POST" else ""
            length = f"Content-Length: {len(content)}\r\n" if content else ""
            yield f"{method} {path} HTTP/1.1\r\n{token}{length}\r\n{content}".encode()
    yield b"POST /lease HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n"
    yield f"GET http://[::1 HTTP/1.1\r\n{token}\r\n".encode()
    yield b"GET /\r\n\r\n"


def broken(data: bytes) -> str | None:
    """None when the rule holds; else what broke it. Raises what the server would print a traceback of."""
    ours, theirs = socket.socketpair()
    with ours:
        ours.sendall(data[: 100 << 10])
        ours.shutdown(socket.SHUT_WR)
        # A ConnectionError is what the server takes for a peer that has gone.
        with _Peer(fileno=theirs.detach()) as peer, contextlib.suppress(ConnectionError):
            _Handler(peer, ("127.0.0.1", 1), _server())
        answer = b""
        with contextlib.suppress(ConnectionResetError):  # more was sent than it wanted to read
            while received := ours.recv(1 << 16):
                answer += received
    return _wrong(answer)


def _wrong(answer: bytes) -> str | None:
    status, (_, _, body) = _STATUS.match(answer), answer.partition(b"\r\n\r\n")
    if not status:
        return f"an answer that is none: {answer[:200]!r}" if answer.startswith(b"HTTP") else None
    if status[1] >= b"500":
        return f"answered with {answer[:300]!r}"
    if status[1] != b"200" and not json.loads(body)["message"].isprintable():
        return f"a message that is not printable: {body[:300]!r}"
    return None
