"""The agent's HTTP side: who may ask, how large a request may be, and what answers which path.

Its rule: one thread answers requests, in order; a request without the token learns nothing, and every refusal is one
clear line (profiles.protocol.Refusal).
"""

import hmac
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from errors import UserError
from profiles.protocol import MAX_REQUEST_BYTES, Refusal

Deed = Callable[[bytes, dict[str, str]], Any]


class _Handler(BaseHTTPRequestHandler):
    timeout = 5  # a peer that says nothing does not hold up the next for longer
    server: "AgentServer"

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or int(length) > MAX_REQUEST_BYTES:
            self._send(400, Refusal(f"a request has a length, of at most {MAX_REQUEST_BYTES} bytes", 1))
            return
        self._answer(self.rfile.read(int(length)))

    def _answer(self, content: bytes) -> None:
        given = self.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, b"Bearer " + self.server.token.encode()):
            self._send(403, Refusal("the token is missing or wrong", 1))
            return
        url = urlsplit(self.path)
        deed = self.server.routes.get((self.command, url.path))
        if deed is None:
            self._send(404, Refusal(f"the agent does not answer {self.command} {url.path}", 1))
            return
        try:
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            self._send(200, deed(content, query))
        except UserError as error:
            self._send(400, Refusal(str(error), error.exit_code))
        except (ValueError, msgspec.DecodeError) as error:
            self._send(400, Refusal(f"{self.command} {url.path} was not understood: {error}", 1))
        except OSError as error:
            self._send(500, Refusal(f"{self.command} {url.path} failed: {error}", 1))

    def _send(self, status: int, answer: Any) -> None:
        content = msgspec.json.encode(answer)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing about requests that went well; refusals are in their answers."""


class AgentServer(HTTPServer):
    """Listens on a free port of loopback. routes: method and path to what answers, from the body and the query."""

    def __init__(self, token: str, routes: dict[tuple[str, str], Deed]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.token = token
        self.routes = routes

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that went away in the middle is no news; anything else is, with its traceback."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
