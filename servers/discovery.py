"""Finding modes: each is a file of servers/modes/, imported only when it is asked for."""

import importlib
import pkgutil
import socket
from collections.abc import Callable, Mapping
from typing import cast

from errors import UsageError
from servers.mode import Mode, SendFile


def module_name(name: str) -> str:
    return "servers.modes." + name.replace("-", "_")


def import_mode(name: str) -> tuple[Mode, SendFile]:
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
    modes = sorted((import_mode(name)[0] for name in names()), key=lambda mode: mode.port)
    return {mode.name: mode for mode in modes}
