"""Finds the modes: every file of servers/modes/ is one, and is imported only when it is needed."""

import importlib
import pkgutil
import socket
from collections.abc import Callable, Mapping
from typing import cast

from errors import UsageError, suggestion
from servers.mode import Mode, SendFile


def module_name(name: str) -> str:
    return "servers.modes." + name.replace("-", "_")


def import_mode(name: str) -> tuple[Mode, SendFile]:
    """The facts and send_file of a mode; imports its file alone. Raises UsageError for an unknown name."""
    if name not in names():
        raise UsageError(f"there is no mode {name!r}{suggestion(name, names())} (the modes are {', '.join(names())})")
    module = importlib.import_module(module_name(name))
    return cast(Mode, module.MODE), cast(SendFile, module.send_file)


def requirement(name: str) -> Callable[[socket.socket], None] | None:
    """The mode's `require(sock)`, if it has one: raises OSError when the machine lacks what the mode needs."""
    module = importlib.import_module(module_name(name))
    return cast(Callable[[socket.socket], None] | None, getattr(module, "require", None))


def prepare(name: str) -> None:
    """Call the mode's `prepare()`, if it has one, before requests come: an import takes locks, which a lack of memory
    would lose."""
    getattr(importlib.import_module(module_name(name)), "prepare", lambda: None)()


def wrapper(facts: Mode) -> Callable[[socket.socket], socket.socket]:
    """Turns an accepted socket into the one that send_file takes: itself, or a TlsSocket."""
    if facts.tls is None:
        return lambda sock: sock
    from servers.mechanisms import tls  # only now: other modes must not pay for OpenSSL

    return tls.wrapper(facts.tls)


def names() -> tuple[str, ...]:
    """The names of all modes, from the file names; nothing is imported."""
    import servers.modes

    return tuple(sorted(info.name.replace("_", "-") for info in pkgutil.iter_modules(servers.modes.__path__)))


def discover() -> Mapping[str, Mode]:
    """All modes by name, in the order of their ports."""
    modes = sorted((import_mode(name)[0] for name in names()), key=lambda mode: mode.port)
    return {mode.name: mode for mode in modes}
