"""The command line of `python -m servers`, checked as a whole before anything is started."""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

from errors import CommandParser, UsageError
from servers import discovery, files, mode
from servers.server import Limits
from units import format_size, parse_size

_COMMON = ("host", "port", "root", "size", "protocol", "connections", "congestion", "lifeline")  # what every mode takes
_PROTOCOL = "raw: whoever connects gets the test file, as from the course's server (default: %(default)s)"


@dataclass(frozen=True, slots=True)
class Arguments:
    """What to serve, and how. port None: each mode's own. root, size: as payload.served_folder() takes them. options:
    every option's size in bytes, by mode and name."""

    modes: tuple[str, ...]
    host: str
    port: int | None
    root: Path | None
    size: str | None
    protocol: mode.WireProtocol
    connections: int
    congestion: str | None
    lifeline: int | None
    options: Mapping[str, Mapping[str, int]]

    def command_line_for(self, name: str) -> list[str]:
        """The arguments that serve this one of several modes in the same way."""
        command = [name, f"--host={self.host}", f"--root={self.root}", f"--protocol={self.protocol}"]
        command.append(f"--connections={self.connections}")
        if self.port is not None:
            command.append(f"--port={self.port}")
        if self.congestion is not None:
            command.append(f"--congestion={self.congestion}")
        return command + [f"--{option}={size_bytes}" for option, size_bytes in self.options[name].items()]


def parse(argv: Sequence[str] | None) -> Arguments:
    """Raises UsageError, or UserError for a root that cannot be served."""
    modes = _needed_modes(sys.argv[1:] if argv is None else argv)
    given = _parser(modes).parse_args(argv)
    wanted = tuple(given.modes or [name for name in modes if given.protocol == "http" or modes[name].tls is None])
    for name in wanted:
        if discovery.import_mode(name)[0].tls is not None and given.protocol == "raw":
            raise UsageError(f"{name} encrypts, and PROTOCOL=raw sends the file as it is: leave out one of them")
    if len(set(wanted)) < len(wanted):
        raise UsageError(f"a mode was named twice: {' '.join(wanted)}")
    if given.port and len(wanted) > 1:
        raise UsageError(f"--port {given.port} goes with one mode, not with {len(wanted)}: {' '.join(wanted)}")
    if given.port is not None and not 0 <= given.port <= 65535:
        raise UsageError(f"--port {given.port}: ports go from 0 to 65535")
    if given.ports == "free":
        if given.port:
            raise UsageError(f"--port {given.port} is not any free port: leave out --ports free, or --port")
        given.port = 0
    if given.connections < 1:
        raise UsageError(f"--connections {given.connections}: at least 1 connection must be allowed")
    if given.size is not None:
        parse_size(given.size)
    elif given.root is not None:
        files.resolve_root(given.root)
    own = {name: getattr(given, name) for name in _COMMON}
    return Arguments(wanted, **own, options=_sizes(given, modes, wanted))


def _needed_modes(argv: Sequence[str]) -> Mapping[str, mode.Mode]:
    """The named modes alone, so that a measured process does not import the others.

    All modes, where none is named or an option may belong to another mode: the messages then list them.
    """
    known = {*discovery.names(), *discovery.lab_names()}
    named = {word: discovery.import_mode(word)[0] for word in argv if word in known}
    options = {*_COMMON, "ports", *_options(named.values())}
    given = {word[2:].partition("=")[0] for word in argv if word.startswith("-")}
    return named if named and given <= options else {**discovery.discover(), **named}


def _options(modes: Iterable[mode.Mode]) -> dict[str, mode.Option]:
    """Each option of these modes once, by name: it means the same in every mode, but for the default."""
    return {option.name: option for facts in modes for option in facts.options}


def _parser(modes: Mapping[str, mode.Mode]) -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="python -m servers",
        description="Serve the files below a directory, one process per data path.",
        epilog="modes: " + "; ".join(f"{facts.name} ({facts.port}): {facts.summary}" for facts in modes.values()),
        allow_abbrev=False,
    )
    parser.add_argument("modes", nargs="*", metavar="MODE", help="what to serve (default: all modes)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for any free one (default: the mode's own)")
    parser.add_argument("--ports", choices=("free", "fixed"), default="fixed", help="free: the same as --port 0")
    parser.add_argument("--root", type=Path, help="has a directory for each size (data); alone: served as it is")
    parser.add_argument("--size", help="of the test file, which is made unless it is there (default: 32MiB)")
    parser.add_argument("--protocol", choices=get_args(mode.WireProtocol), default="http", help=_PROTOCOL)
    parser.add_argument(
        "--connections", type=int, default=Limits().connections, help="limit, 503 beyond (default: %(default)s)"
    )
    parser.add_argument("--congestion", metavar="NAME", help="TCP congestion control (default: cubic, else reno)")
    parser.add_argument("--lifeline", type=int, help=argparse.SUPPRESS)
    for option in _options(modes.values()).values():
        owners: dict[int, list[str]] = {}
        for facts in modes.values():
            for own in facts.options:
                if own.name == option.name:
                    owners.setdefault(own.default_bytes, []).append(facts.name)
        defaults = ", ".join(f"{format_size(size)} ({', '.join(names)})" for size, names in owners.items())
        text = f"{option.summary}; default {defaults}"
        parser.add_argument(f"--{option.name}", metavar="SIZE", type=partial(_size, option), help=text)
    return parser


def _size(option: mode.Option, text: str) -> int:
    size_bytes = parse_size(text)
    if not option.minimum_bytes <= size_bytes <= option.maximum_bytes:
        raise UsageError(f"--{option.name} {text}: it goes from {option.minimum_bytes} to {option.maximum_bytes} bytes")
    return size_bytes


def _sizes(
    given: argparse.Namespace, modes: Mapping[str, mode.Mode], wanted: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Every option of the wanted modes, given or default. Raises UsageError for one that no wanted mode has."""
    sizes = {
        name: size_bytes
        for name in _options(modes.values())
        if (size_bytes := getattr(given, name.replace("-", "_"))) is not None
    }
    for name in sizes.keys() - _options(modes[name] for name in wanted).keys():
        raise UsageError(f"--{name} does not apply to {' or '.join(wanted)}")
    return {
        name: {option.name: sizes.get(option.name, option.default_bytes) for option in modes[name].options}
        for name in wanted
    }
