"""What a mode is: its facts, the copies along its data path, its options, and the contract of send_file."""

import resource
import socket
from dataclasses import dataclass
from typing import Literal, Protocol

MOST_CONNECTIONS = 2048  # of a server, unless it is told otherwise
DESCRIPTORS_PER_CONNECTION = 7  # of uring-splice, which needs most: socket, file, path, ring, pipe
OWN_DESCRIPTORS = 16

WireProtocol = Literal["http", "raw"]  # raw: whoever connects gets the file, and the connection closes
Location = Literal["disk", "page cache", "user buffer", "socket buffer", "NIC"]


@dataclass(frozen=True, slots=True)
class Copy:
    """One step of every byte on its way from the disk to the wire.

    by: "cpu" or "dma" for a copy; "encryption" where the CPU reads the bytes and writes other ones, which is a copy
    only if source and destination differ.
    """

    source: Location
    destination: Location
    by: Literal["cpu", "dma", "encryption"]


BY_REFERENCE = (Copy("disk", "page cache", "dma"), Copy("page cache", "NIC", "dma"))
THROUGH_USER_BUFFER = (
    Copy("disk", "page cache", "dma"),
    Copy("page cache", "user buffer", "cpu"),
    Copy("user buffer", "socket buffer", "cpu"),
    Copy("socket buffer", "NIC", "dma"),
)


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

    copies: the textbook *model*, for a cold file and a network card with scatter-gather; what really happens is
    measured. tls: who encrypts, OpenSSL in the process ("user") or kTLS ("kernel"); send_file then gets a TlsSocket.
    """

    name: str
    port: int
    summary: str
    copies: tuple[Copy, ...]
    options: tuple[Option, ...] = ()
    tls: Literal["user", "kernel"] | None = None


@dataclass(frozen=True, slots=True)
class Completions:
    """How many zero-copy sends of this process have completed, and how many of them the kernel copied after all.

    A mode that learns this has a function `completions() -> Completions` beside MODE and send_file.
    """

    total: int
    copied: int


class SendFile(Protocol):
    """Send exactly count bytes of fd from offset to a blocking socket, or raise; close neither.

    Raises FileShrankError when the file ends early, OSError when the peer or the kernel fails.
    """

    def __call__(self, sock: socket.socket, fd: int, offset: int, count: int, **options: int) -> None: ...


def most_connections(descriptors: int, wanted: int = MOST_CONNECTIONS) -> int:
    """How many connections a server takes with this limit on open files, at least one."""
    if descriptors == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, (descriptors - OWN_DESCRIPTORS) // DESCRIPTORS_PER_CONNECTION))


class FileShrankError(Exception):
    """The file ended before the promised bytes were sent: the connection must be closed."""

    def __init__(self, missing_bytes: int) -> None:
        super().__init__(f"the file shrank while it was being sent: {missing_bytes} bytes are missing")
