"""The command line of `python -m servers`, checked as a whole before anything is started.

Its rule: what comes out can be carried out, or only the machine can refuse it.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from errors import CommandParser, UsageError
from servers import discovery, files, mode
from servers.server import Limits
from units import format_size, parse_size

_COMMON = ("host", "port", "root", "connections", "congestion", "lifeline")  # what every mode takes


@dataclass(frozen=True, slots=True)
class Arguments:
    """What is to be served, and how. port None: each mode's own. options: sizes in bytes by mode and option name."""

    modes: tuple[str, ...]
    host: str
    port: int | None
    root: Path
    connections: int
    congestion: str | None
    lifeline: int | None
    options: Mapping[str, Mapping[str, int]]

    def command_line_of(self, name: str) -> list[str]:
        """The arguments that serve this one of several modes in the same way."""
        command = [name, f"--host={self.host}", f"--root={self.root}", f"--connections={self.connections}"]
        if self.port is not None:
            command.append(f"--port={self.port}")
        if self.congestion is not None:
            command.append(f"--congestion={self.congestion}")
        return command + [f"--{option}={size_bytes}" for option, size_bytes in self.options[name].items()]


def parse(argv: Sequence[str] | None) -> Arguments:
    """Raises UsageError, or UserError for a root that cannot be served."""
    modes = _needed(sys.argv[1:] if argv is None else argv)
    given = _parser(modes).parse_args(argv)
    wanted = tuple(given.modes or modes)
    for name in wanted:
        discovery.import_mode(name)
    if len(set(wanted)) < len(wanted):
        raise UsageError(f"a mode is served once: {' '.join(wanted)}")
    if given.port and len(wanted) > 1:
        raise UsageError(f"--port {given.port} goes with one mode, not with {len(wanted)}: {' '.join(wanted)}")
    if given.port is not None and not 0 <= given.port <= 65535:
        raise UsageError(f"--port {given.port}: ports go from 0 to 65535")
    if given.connections < 1:
        raise UsageError(f"--connections {given.connections}: at least 1 connection must be allowed")
    files.resolve_root(given.root)
    return Arguments(
        modes=wanted,
        host=given.host,
        port=given.port,
        root=given.root,
        connections=given.connections,
        congestion=given.congestion,
        lifeline=given.lifeline,
        options=_sizes(vars(given), modes, wanted),
    )


def _needed(argv: Sequence[str]) -> Mapping[str, mode.Mode]:
    """The modes that are named, where nothing else is asked for: a measured process does not import the others.

    All of them, where none is named or an option may be another mode's: for what is then to be said.
    """
    named = {word: discovery.import_mode(word)[0] for word in argv if word in discovery.names()}
    known = {*_COMMON, *(option.name for facts in named.values() for option in facts.options)}
    given = {word[2:].partition("=")[0] for word in argv if word.startswith("-")}
    return named if named and given <= known else discovery.discover()


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
    parser.add_argument("--root", type=Path, default=Path("data"), help="directory to serve (default: %(default)s)")
    parser.add_argument(
        "--connections", type=int, default=Limits().connections, help="limit, 503 beyond (default: %(default)s)"
    )
    parser.add_argument("--congestion", metavar="NAME", help="TCP congestion control (default: cubic, else reno)")
    parser.add_argument("--lifeline", type=int, help=argparse.SUPPRESS)
    for option in {option.name: option for facts in modes.values() for option in facts.options}.values():
        default = format_size(option.default_bytes)
        owners = ", ".join(_having(modes, option.name))
        parser.add_argument(f"--{option.name}", metavar="SIZE", help=f"{option.summary}; default {default} ({owners})")
    return parser


def _having(modes: Mapping[str, mode.Mode], option_name: str) -> list[str]:
    return [facts.name for facts in modes.values() if option_name in (option.name for option in facts.options)]


def _sizes(
    given: Mapping[str, object], modes: Mapping[str, mode.Mode], wanted: Sequence[str]
) -> dict[str, dict[str, int]]:
    """The options that were given, by mode, in bytes. Raises UsageError for one that no wanted mode has."""
    sizes: dict[str, dict[str, int]] = {name: {} for name in wanted}
    served = {name: modes[name] for name in wanted}
    for option in {option.name: option for facts in modes.values() for option in facts.options}.values():
        text = given[option.name.replace("-", "_")]
        if text is None:
            continue
        owners = _having(served, option.name)
        if not owners:
            raise UsageError(f"--{option.name} does not apply to {' or '.join(wanted)}")
        for name in owners:
            sizes[name][option.name] = _size(option, str(text))
    return sizes


def _size(option: mode.Option, text: str) -> int:
    size_bytes = parse_size(text)
    if not option.minimum_bytes <= size_bytes <= option.maximum_bytes:
        raise UsageError(f"--{option.name} {text}: it goes from {option.minimum_bytes} to {option.maximum_bytes} bytes")
    return size_bytes
