"""Asking a server over HTTP whether it is there and what it sends, for proofs and readiness; never timed.

Its rule: a connection is made for one question, and whatever goes wrong is an OSError or http.client.HTTPException.
"""

import contextlib
import hashlib
import http.client
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

ASK_TIMEOUT_S = 5.0
DOWNLOAD_TIMEOUT_S = 60.0
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server answers, and to what."""

    host: str
    port: int
    path: str
    tls: bool

    def __str__(self) -> str:
        return f"GET {self.path} at {f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Body:
    """What arrived, and what the server called itself (Server, RFC 9110 section 10.2.4); "" where it did not."""

    size_bytes: int
    sha256: str
    server: str


@contextlib.contextmanager
def get(
    place: Endpoint, timeout_s: float = ASK_TIMEOUT_S, headers: Mapping[str, str] | None = None
) -> Iterator[http.client.HTTPResponse]:
    """The answer, its body unread; the connection ends with the block."""
    with contextlib.closing(connection_to(place, timeout_s)) as connection:
        connection.request("GET", place.path, headers=headers or {})
        yield connection.getresponse()


def download(place: Endpoint, timeout_s: float) -> Body:
    """What arrives in one download. Raises http.client.HTTPException for a status that is not 200."""
    with get(place, timeout_s) as answer:
        if answer.status != http.client.OK:
            raise http.client.HTTPException(f"status {answer.status}")
        digest, size_bytes = hashlib.sha256(), 0
        while piece := answer.read(_PIECE_BYTES):
            digest.update(piece)
            size_bytes += len(piece)
        if answer.length:
            raise http.client.IncompleteRead(b"", answer.length)
        return Body(size_bytes, digest.hexdigest(), answer.getheader("Server", ""))


def connection_to(place: Endpoint, timeout_s: float) -> http.client.HTTPConnection:
    """Not opened yet; whose certificate it is that encrypts does not matter here."""
    if not place.tls:
        return http.client.HTTPConnection(place.host, place.port, timeout=timeout_s)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(place.host, place.port, timeout=timeout_s, context=context)
