"""What a mode is, and which ones there are.

Its rule: a mode is found, never registered. Putting a file into `servers/modes/` is all it takes.
"""

import importlib
import pkgutil
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, cast

from errors import UsageError

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


def module_name(name: str) -> str:
    return "servers.modes." + name.replace("-", "_")


def load(name: str) -> tuple[Mode, SendFile]:
    """The mode of this name, importing its file alone. Raises UsageError, with the names there are."""
    if name not in names():
        raise UsageError(f"there is no mode {name!r}: the modes are {', '.join(names())}")
    module = importlib.import_module(module_name(name))
    return cast(Mode, module.MODE), cast(SendFile, module.send_file)


def requirement(name: str) -> Callable[[socket.socket], None]:
    """What a mode asks of the machine before an answer is promised: its file's `require(sock)`, where it has one.

    That raises OSError, with the reason, where the machine lacks it; how a mode does on this file shows when it sends.
    """
    module = importlib.import_module(module_name(name))
    return cast(Callable[[socket.socket], None], getattr(module, "require", lambda _sock: None))


def wrapper(facts: Mode) -> Callable[[socket.socket], socket.socket]:
    """What makes an accepted socket the one that send_file takes: nothing, or TLS (servers.mechanisms.tls, loaded only then)."""
    if facts.tls is None:
        return lambda sock: sock
    from servers.mechanisms import tls

    return tls.wrapper(facts.tls)


def names() -> tuple[str, ...]:
    """The names of all modes, from the files alone."""
    import servers.modes

    return tuple(sorted(info.name.replace("_", "-") for info in pkgutil.iter_modules(servers.modes.__path__)))


def discover() -> Mapping[str, Mode]:
    """All modes by name, in the order of their ports."""
    modes = sorted((load(name)[0] for name in names()), key=lambda mode: mode.port)
    return {mode.name: mode for mode in modes}
