"""Asks a server over HTTP whether it is there and what it sends: for readiness and proofs, never timed.

Whatever goes wrong is an OSError or an http.client.HTTPException.
"""

import contextlib
import hashlib
import http.client
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PROBE_TIMEOUT_S = 5.0
DOWNLOAD_TIMEOUT_S = 60.0
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server answers, and to what path."""

    host: str
    port: int
    path: str
    tls: bool

    def __str__(self) -> str:
        return f"GET {self.path} at {f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Body:
    """What arrived. server: the Server header (RFC 9110 section 10.2.4), "" without one."""

    size_bytes: int
    sha256: str
    server: str


def unverified_tls() -> ssl.SSLContext:
    """A client's TLS context that accepts any certificate: a data path is measured here, not trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def connect(endpoint: Endpoint, timeout_s: float) -> http.client.HTTPConnection:
    """A connection that opens with its first request."""
    if not endpoint.tls:
        return http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=timeout_s)
    return http.client.HTTPSConnection(endpoint.host, endpoint.port, timeout=timeout_s, context=unverified_tls())


@contextlib.contextmanager
def get(
    endpoint: Endpoint, timeout_s: float = PROBE_TIMEOUT_S, headers: Mapping[str, str] | None = None
) -> Iterator[http.client.HTTPResponse]:
    """The response, its body unread; the connection closes when the block ends."""
    with contextlib.closing(connect(endpoint, timeout_s)) as connection:
        connection.request("GET", endpoint.path, headers=headers or {})
        yield connection.getresponse()


def download(endpoint: Endpoint, timeout_s: float) -> Body:
    """The whole body. Raises http.client.HTTPException for a status other than 200, or a short body."""
    with get(endpoint, timeout_s) as response:
        if response.status != http.client.OK:
            raise http.client.HTTPException(f"status {response.status}")
        digest, size_bytes = hashlib.sha256(), 0
        while piece := response.read(_PIECE_BYTES):
            digest.update(piece)
            size_bytes += len(piece)
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)
        return Body(size_bytes, digest.hexdigest(), response.getheader("Server", ""))
