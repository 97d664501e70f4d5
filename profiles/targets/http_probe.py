"""Asks a server over HTTP whether it is there and what it sends: for readiness and proofs, never timed.

Whatever goes wrong is an OSError or an http.client.HTTPException.
"""

import contextlib
import hashlib
import http.client
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from profiles.store.run_facts import WireProtocol

PROBE_TIMEOUT_S = 5.0
DOWNLOAD_TIMEOUT_S = 60.0
_PIECE_BYTES = 1 << 20
_BEGIN_BYTES = 16 << 10  # of a page, where its title stands
_LONGEST = 80
_REDIRECTS = 3  # 3xx
_HTML = ("text/html", "application/xhtml")
_TITLE = re.compile(r"<title[^>]*>(.{1,500}?)</title>", re.IGNORECASE | re.DOTALL)
_LISTING = re.compile(r"index of|directory listing|listing directory|listing of|contents of|files in|/$", re.IGNORECASE)
_OF_PROXIES = ("Via", "X-Varnish", "X-Cache", "X-Cache-Status", "X-Proxy-Cache", "CF-Ray", "X-Served-By", "Age")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server answers, and to what path; a raw one to none."""

    host: str
    port: int
    path: str
    tls: bool
    protocol: WireProtocol = "http"

    @property
    def authority(self) -> str:
        """As a Host header has it (RFC 9112 section 3.2)."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def __str__(self) -> str:
        return self.authority if self.protocol == "raw" else f"GET {self.path} at {self.authority}"


@dataclass(frozen=True, slots=True)
class Body:
    """What arrived. server: the Server header (RFC 9110 section 10.2.4), "" without one. page: the title of a page
    of HTML, or "untitled"; None where it is none. proxy: the header that a proxy or a cache in front adds. keeps_alive:
    whether the connection stays open. is_chunked: as RFC 9112 section 7.1 says, without its length.
    """

    size_bytes: int
    sha256: str
    server: str
    page: str | None = None
    proxy: str | None = None
    keeps_alive: bool | None = None
    is_chunked: bool = False

    @property
    def is_listing(self) -> bool:
        return self.page is not None and _LISTING.match(self.page) is not None


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
    """The whole body, within that time. Raises http.client.HTTPException for a status other than 200, or a short body;
    TimeoutError for one that takes longer."""
    until_s = time.monotonic() + timeout_s
    with get(endpoint, timeout_s) as response:
        if response.status != http.client.OK:
            leads = f", which leads to {where}" if (where := redirection(response)) else ""
            raise http.client.HTTPException(f"status {response.status}{leads}")
        keeps_alive = not response.will_close
        begin, digest, size_bytes = b"", hashlib.sha256(), 0
        while piece := response.read1(_PIECE_BYTES):
            begin += piece[: max(0, _BEGIN_BYTES - len(begin))]
            digest.update(piece)
            size_bytes += len(piece)
            if time.monotonic() > until_s:
                raise TimeoutError(f"only {size_bytes:,} bytes came within {timeout_s:g} s")
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)
        more = _page(response, begin), _proxy(response), keeps_alive, response.chunked
        return Body(size_bytes, digest.hexdigest(), _shown(response.getheader("Server", "")), *more)


def unfit(response: http.client.HTTPResponse) -> str | None:
    """Why an answer of status 200 cannot be measured, and what to do; None where it can."""
    for header, fits in (("Content-Encoding", ("identity",)), ("Transfer-Encoding", ("identity", "chunked"))):
        if (coding := response.getheader(header, "identity").lower()) not in fits:
            return f"it sends {header}: {_shown(coding)}: have it send the file as it is"
    if response.getheader("Content-Length") is None and not response.chunked:
        return "its answer has no Content-Length: have it say how long the file is"
    return None


def redirection(response: http.client.HTTPResponse) -> str | None:
    """Where an answer sends the client; None where it does not."""
    location = response.getheader("Location")
    return _shown(location) if location and response.status // 100 == _REDIRECTS else None


def _page(response: http.client.HTTPResponse, begin: bytes) -> str | None:
    if not response.getheader("Content-Type", "").startswith(_HTML):
        return None
    title = _TITLE.search(begin.decode(errors="replace"))
    return _shown(" ".join(title[1].split())) if title else "untitled"


def _proxy(response: http.client.HTTPResponse) -> str | None:
    """Via is RFC 9110 section 7.6.3, Age section 5.1 of RFC 9111; the others are those of Varnish, nginx and CDNs."""
    found = ((name, response.getheader(name)) for name in _OF_PROXIES)
    return next((f"{name}: {_shown(value)}" for name, value in found if value), None)


def _shown(text: str) -> str:
    """What a server says, in a line of ours: it cannot steer a terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:_LONGEST])
