"""Finds the modes: every file of servers/modes/ is one, and is imported only when it is needed.

So is every file of lab/, where somebody is at work on one (docs/lab.md). Its rule: such a mode is imported only for who
names it, and is none of all modes, so that one that is broken or unfinished disturbs nothing else.
"""

import importlib
import pkgutil
import socket
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import cast

from errors import UsageError, UserError, suggestion
from servers.mode import Mode, SendFile

LAB = Path(__file__).resolve().parent.parent / "lab"


def module_name(name: str) -> str:
    package = "servers.modes" if name in names() else LAB.name
    return f"{package}.{name.replace('-', '_')}"


def file_name(name: str) -> str:
    """Of a mode's file, from the project's folder on."""
    return f"{module_name(name).replace('.', '/')}.py"


def import_mode(name: str) -> tuple[Mode, SendFile]:
    """The facts and send_file of a mode; imports its file alone. Raises UsageError for an unknown name, UserError for a
    file that is no mode."""
    require_known(name)
    try:
        module = importlib.import_module(module_name(name))
        facts, send_file = module.MODE, module.send_file
    except Exception as error:  # whatever its author wrote
        raise UserError(f"{name} cannot be imported: {describe(error, name)}") from error
    if not isinstance(facts, Mode):
        raise UserError(f"{file_name(name)}: its MODE is no Mode of servers.mode")
    return facts, cast(SendFile, send_file)


def require_known(name: str) -> None:
    """Raises UsageError for a name that no file has."""
    known = (*names(), *lab_names())
    if name not in known:
        raise UsageError(f"there is no mode {name!r}{suggestion(name, known)} (the modes are {', '.join(known)})")


def describe(error: BaseException, name: str) -> str:
    """An error of a mode's code in one line: the last line of its file that led to it, its kind, and what it says."""
    import traceback  # only now: a measured process has no use for it

    path = LAB.parent / file_name(name)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    lines += [error.lineno] if isinstance(error, SyntaxError) and error.filename == str(path) else []
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    place = f"{file_name(name)}:{lines[-1]}: " if lines else ""
    return f"{place}{type(error).__name__}{f': {said}' if said else ''}"


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

    return _names_in(servers.modes.__path__)


def lab_names() -> tuple[str, ...]:
    """The names of the modes that somebody is at work on; nothing is imported."""
    return tuple(sorted({name for name in _names_in([str(LAB)]) if not name.startswith("-")}.difference(names())))


def _names_in(folders: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(info.name.replace("_", "-") for info in pkgutil.iter_modules(folders)))


def discover() -> Mapping[str, Mode]:
    """All modes by name, in the order of their ports."""
    modes = sorted((import_mode(name)[0] for name in names()), key=lambda mode: mode.port)
    return {mode.name: mode for mode in modes}
