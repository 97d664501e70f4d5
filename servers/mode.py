"""What a mode is, and which ones there are.

Its rule: a mode is found, never registered. Putting a file into `servers/modes/` is all it takes.
"""

import socket
from dataclasses import dataclass
from typing import Literal, Protocol

Location = Literal["disk", "page cache", "user buffer", "socket buffer", "NIC"]


@dataclass(frozen=True, slots=True)
class Copy:
    """One step of every byte on its way from the disk to the wire.

    by: "cpu" or "dma" for a copy; "encryption" where the CPU reads the bytes and writes other ones, be it from place to
    place, which is a copy too, or within one place, which is none.
    """

    source: Location
    destination: Location
    by: Literal["cpu", "dma", "encryption"]


@dataclass(frozen=True, slots=True)
class Option:
    """A size in bytes that changes the path; becomes `--NAME` and a keyword argument of send_file."""

    name: str
    default_bytes: int
    summary: str
    minimum_bytes: int = 1
    maximum_bytes: int = 1 << 30


@dataclass(frozen=True, slots=True)
class Mode:
    """The facts of a data path.

    copies is the *model*: what the operating-systems course would draw for a cold file and a network card
    with scatter-gather. What really happens is measured elsewhere. tls: who encrypts, "user" for OpenSSL in the
    server's process, "kernel" for kTLS; then the socket of send_file is a servers.mechanisms.tls.TlsSocket.
    """

    name: str
    port: int
    summary: str
    copies: tuple[Copy, ...]
    options: tuple[Option, ...] = ()
    tls: Literal["user", "kernel"] | None = None


@dataclass(frozen=True, slots=True)
class Completions:
    """What the kernel has said of the zero-copy sends of this process: how many are over, and how many it copied.

    A mode that learns this has a function `completions() -> Completions` beside MODE and send_file.
    """

    total: int
    copied: int


class SendFile(Protocol):
    """Send exactly count bytes of fd from offset to a blocking socket, or raise; close neither.

    Raises FileShrankError when the file ends early, OSError when the peer or the kernel fails.
    """

    def __call__(self, sock: socket.socket, fd: int, offset: int, count: int, **options: int) -> None: ...


class FileShrankError(Exception):
    """The file ended before the promised bytes were sent: the connection must be closed."""

    def __init__(self, missing_bytes: int) -> None:
        super().__init__(f"the file shrank while it was being sent: {missing_bytes} bytes are missing")
