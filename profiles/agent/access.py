"""Access to an agent that listens: its address, its token, its certificate.

Its rule: whatever is unsafe is refused at the start, or warned of in one line.
"""

import ipaddress
import os
import re
import socket
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path

from errors import UsageError, UserError

LEAST_TOKEN = 16  # characters
MOST_TOKEN_BYTES = 4096
_TOKEN = re.compile(r"[!-~]+")  # printable ASCII without the space: it is sent in a header
_ADDRESS = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})")


@dataclass(frozen=True, slots=True)
class Address:
    """Where something listens, or can be reached."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Access:
    """Where an agent listens (port 0 for any free one), the token that its peers must send, and TLS. serve_on: address
    of this host on which the servers listen; empty for where a load reached the agent."""

    address: Address
    token: str
    tls: ssl.SSLContext | None = None
    serve_on: str = ""


def parse_address(text: str) -> Address:
    """HOST:PORT, with an IPv6 address in brackets. Raises UsageError."""
    found = _ADDRESS.fullmatch(text.strip())
    port = int(found["port"]) if found else 65536
    if found is None or port > 65535:
        raise UsageError(f"{text!r} is not an address: give HOST:PORT, like 10.0.0.2:8070 or [fd00::2]:8070")
    return Address(found["six"] or found["host"], port)


def own_address(name: str) -> str:
    """The address of this host that has this name. Raises UserError."""
    try:
        family, *_, place = socket.getaddrinfo(name, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.bind(place)
            return str(tried.getsockname()[0])
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(f"SERVE_ON={name}: {why}; give an address of this host") from error


def is_loopback(host: str) -> bool:
    """Whether every address of this name is a loopback address. Raises UserError where it has none."""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        raise UserError(f"{host!r} is not the name or address of a host: {error}") from error
    return all(ipaddress.ip_address(str(address).partition("%")[0]).is_loopback for address in found)


def read_token(path: Path) -> str:
    """The token in a file that only its owner can read. Raises UserError for any other file."""
    advice = "make one with `(umask 077; openssl rand -hex 32 > FILE)`"
    try:
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise UserError(f"the token file {path} is not a file: {advice}")
            if facts.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise UserError(f"the token file {path} can be read by others: `chmod 600 {path}`")
            content = file.read(MOST_TOKEN_BYTES + 1)
    except OSError as error:
        raise UserError(f"cannot read the token file {path}: {error.strerror}; {advice}") from error
    token = content.decode("ascii", "replace").strip()
    if len(content) > MOST_TOKEN_BYTES or len(token) < LEAST_TOKEN or not _TOKEN.fullmatch(token):
        raise UserError(f"the token file {path} must hold {LEAST_TOKEN} or more characters without spaces: {advice}")
    return token


def server_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """TLS with this certificate, PEM with its chain; the key may be in the same file. Raises UserError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    files = str(certificate) if key is None else f"{certificate} and {key}"
    try:
        # A key with a pass phrase would ask for it on the terminal; the empty one makes that an error.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise UserError(f"cannot use {files} for TLS: {_why(error)}; give PEM files that belong together") from error
    return context


def client_context(authority: str) -> ssl.SSLContext:
    """Trust in the certificates of this PEM file, or of the system's authorities ("system"). Raises UserError."""
    try:
        return ssl.create_default_context(cafile=None if authority == "system" else authority)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot trust {authority}: {_why(error)}; give a PEM file, or `system`") from error


def _why(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)


def warnings(access: Access) -> list[str]:
    """Warnings for whoever starts an agent at this address, one line each."""
    served, lines = access.serve_on or access.address.host, []
    if not is_loopback(served):
        lines.append(f"the servers that a load starts here answer whoever reaches {served}: trust that network")
    if access.tls is None and not is_loopback(access.address.host):
        lines.append("without TLS_CERT the token and all results cross the network in the clear")
    return lines
