"""targets.toml: the user's own servers, by name (docs/targets.md says what may stand in it).

Every mistake is reported before anything runs, one line each: the table, the key, what is wrong and what to do.
"""

import ipaddress
import os
import re
import shlex
import signal
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import msgspec

from errors import UsageError, suggestion
from profiles.store.run_facts import SERVED_PATH, ExternalKind, TargetFacts
from profiles.targets.external import LINK_TO_ROOT, PLACEHOLDERS, AsGiven, ExternalTarget
from units import parse_size

RESERVED = ("all", "course", "load", "machine", "sampler")
_MAX_BYTES = 1 << 20
_MAX_ERRORS = 20
NAME = re.compile(r"[a-z][a-z0-9]{0,30}(?:-[a-z0-9]{1,30}){0,5}")
_ADDRESS = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+)):(?P<port>\d{1,5})")
_FOR_COMMANDS = ("stop", "env", "cwd", "files", "values", "ready_within_s", "stop_within_s")

_Positive = Annotated[int, msgspec.Meta(ge=1)]


class _Entry(AsGiven, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file, as TOML has it."""

    address: str
    command: str | list[str] | None = None
    pid: _Positive | str | None = None
    summary: str = ""
    size: _Positive | str | None = None
    sha256: str | None = None
    stop: str | list[str] = "SIGTERM"


_CHOICES = {"tls": "user or kernel", "protocol": "http or raw"}
_KEYS = (*_Entry.__annotations__, *AsGiven.__annotations__)


def read(path: Path, taken: frozenset[str]) -> list[tuple[TargetFacts, ExternalTarget]]:
    """The targets of a file, in its order. taken: names of our modes. Raises UsageError, a line for each mistake."""
    return targets_of(_tables(path), path.resolve().parent, taken, str(path))


def targets_of(
    tables: Mapping[str, Any], here: Path, taken: frozenset[str], where: str
) -> list[tuple[TargetFacts, ExternalTarget]]:
    """The targets of tables as TOML has them. here: {here}. where: they stand. Raises UsageError as read() does."""
    found, wrong = [], []
    for name, table in tables.items():
        try:
            found.append(_target(name, table, here, taken))
        except UsageError as error:
            wrong.append(f"[{repr(name)[1:-1]}]: {error}")  # a name in quotation marks may hold anything
    wrong += _alike(tables)
    if wrong:
        raise UsageError("\n".join(f"{where}: {text}" for text in wrong[:_MAX_ERRORS]))
    return _with_processes(found)


def _with_processes(found: list[tuple[TargetFacts, ExternalTarget]]) -> list[tuple[TargetFacts, ExternalTarget]]:
    """Those that one process serves know it by the name of the first of them."""
    served: dict[object, list[str]] = {}
    for facts, external in found:
        served.setdefault(external.process or facts.name, []).append(facts.name)
    first = {name: names[0] for names in served.values() for name in names if len(names) > 1}
    return [(replace(facts, process=first.get(facts.name, "")), external) for facts, external in found]


def _tables(path: Path) -> dict[str, Any]:
    """What TOML makes of the file. Raises UsageError."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UsageError(f"{path} is larger than {_MAX_BYTES >> 20} MiB: is it a targets.toml?")
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; give TARGETS a file like targets.toml") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: not UTF-8: save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: {error}: TOML wants key = value, and each table and key once") from error


def _target(name: str, table: Any, here: Path, taken: frozenset[str]) -> tuple[TargetFacts, ExternalTarget]:
    """Raises UsageError, as all below."""
    if not isinstance(table, dict):
        raise UsageError(f"{name} belongs to no target: begin one with [its-name] on a line above")
    if not NAME.fullmatch(name):
        raise UsageError("is not a valid name: small letters, digits and single dashes, like nginx-sendfile")
    if name in taken or name in RESERVED:
        raise UsageError(f"{name} is a name of ours: choose another")
    entry = _entry(table)
    _check(entry, here)
    for key in _FOR_COMMANDS if entry.command is None else ():
        if key in table:
            raise UsageError(f"{key} is for a command: a server that already runs is measured and never touched")
    external = _external(entry, here)
    for key, placeholder in external.unknown_placeholders():
        known = ", ".join(f"{{{each}}}" for each in (*PLACEHOLDERS, *external.values))
        raise UsageError(f"{key}: there is no placeholder {{{placeholder}}}: there are {known}")
    kind: ExternalKind = "command" if entry.command else "container" if entry.container else "pid"
    facts = TargetFacts(
        name=name,
        port=external.port,
        summary=entry.summary or f"a server of your own, by its {kind}",
        tls=entry.tls,
        external=kind,
        path=entry.path if entry.protocol == "http" else "the file",
        protocol=entry.protocol,
        size_bytes=_size(entry.size),
        sha256=entry.sha256.lower() if entry.sha256 else None,
        settings=_settings(external),
    )
    return facts, external


def _settings(external: ExternalTarget) -> dict[str, str]:
    """What a report may show of how it is started: what variables say may be a secret."""
    command = {"command": shlex.join(external.command)} if external.command else {}
    values = {f"values.{name}": text for name, text in external.values.items()}
    return command | {f"env.{name}": "set" for name in external.env} | values


def _entry(table: dict[str, Any]) -> _Entry:
    try:
        return msgspec.convert(table, type=_Entry)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at ")
        if unknown := re.search(r"unknown field `(.*)`", reason):
            remedy = suggestion(unknown[1], _KEYS) or f": there are {', '.join(_KEYS)}"
            raise UsageError(f"there is no key {unknown[1]}{remedy}") from error
        if missing := re.search(r"missing required field `(.*)`", reason):
            raise UsageError(f'{missing[1]} is missing: add a line like {missing[1]} = "127.0.0.1:8200"') from error
        key = ".".join(re.findall(r"[A-Za-z0-9_-]+", re.sub(r"\[.*", "", where)))
        if "enum value" in reason:
            raise UsageError(f"{key}: give {_CHOICES[key]}") from error
        expected = reason.replace(" | null", "").replace("`", "").replace("array", "a list of str")
        raise UsageError(f"{key}: {expected[:1].lower()}{expected[1:]}") from error


def _check(entry: _Entry, here: Path) -> None:
    """What a type does not say."""
    if sum(given is not None for given in (entry.command, entry.pid, entry.container)) != 1:
        raise UsageError("give one of command (to start it), pid and container (to measure what already runs)")
    if entry.protocol == "raw" and (entry.tls or entry.path != SERVED_PATH):
        raise UsageError("protocol: raw has neither tls nor path: whoever connects gets the file as it is")
    if not re.fullmatch(r"/[!-~]*", entry.path):
        raise UsageError(f'path {entry.path!r}: give what a GET asks for, like "{SERVED_PATH}"')
    if entry.sha256 is not None and not re.fullmatch(r"[0-9A-Fa-f]{64}", entry.sha256):
        raise UsageError("sha256: give the 64 hexadecimal digits that sha256sum prints")
    if (entry.sha256 is None) != (entry.size is None):
        raise UsageError("size and sha256 belong together: give both where another file is sent, else neither")
    for name in entry.files:
        if Path(name).name == LINK_TO_ROOT:
            raise UsageError(f"files: {{scratch}}/{LINK_TO_ROOT} is a link to the served folder: choose another name")
        if Path(name).is_absolute() or ".." in Path(name).parts or not (here / name).is_file():
            raise UsageError(f"files: {name} is not a file below {here}")
        if not os.access(here / name, os.R_OK):
            raise UsageError(f"files: {name} cannot be read: change its permissions")
    for name in entry.values:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in PLACEHOLDERS:
            raise UsageError(f"values: {name} cannot be a placeholder: choose another name")


def _external(entry: _Entry, here: Path) -> ExternalTarget:
    host, port = address_of("address", entry.address)
    return ExternalTarget(
        here=here,
        host=host,
        port=port,
        command=words_of("command", entry.command) if entry.command is not None else (),
        pid=here / entry.pid if isinstance(entry.pid, str) else entry.pid,
        stop=_stop(entry.stop),
        **{name: getattr(entry, name) for name in AsGiven.__struct_fields__},
    )


def address_of(key: str, text: str) -> tuple[str, int]:
    found = _ADDRESS.fullmatch(text)
    if found is None or not 1 <= int(found["port"]) <= 65535:
        raise UsageError(f'{key} {text!r}: give host:port, like "127.0.0.1:8200" or "[::1]:8200"')
    if found["v6"]:
        try:
            ipaddress.IPv6Address(found["v6"])
        except ValueError as error:
            raise UsageError(f"{key} {text!r}: {found['v6']} is not an IPv6 address") from error
    return found["v6"] or found["host"], int(found["port"])


def words_of(key: str, given: str | list[str]) -> tuple[str, ...]:
    """A command as words; a string is split as a shell would, and no shell runs it."""
    try:
        words = tuple(shlex.split(given) if isinstance(given, str) else given)
    except ValueError as error:
        raise UsageError(f"{key}: {error}: close the quotation, or give a list of words") from error
    if not words or not words[0] or any("\0" in word for word in words):
        raise UsageError(f'{key} is empty: give a program and its arguments, like ["nginx", "-c", "…"]')
    return words


def _stop(given: str | list[str]) -> int | tuple[str, ...]:
    """A signal's number, or a command."""
    if isinstance(given, str) and given.startswith("SIG"):
        if given not in signal.Signals.__members__:
            raise UsageError(f"stop: there is no signal {given}: SIGTERM, SIGINT or SIGQUIT is usual")
        return signal.Signals[given]
    return words_of("stop", given)


def _size(given: int | str | None) -> int | None:
    try:
        size_bytes = parse_size(given) if isinstance(given, str) else given
    except UsageError as error:
        raise UsageError(f"size: {error}") from error
    if size_bytes is not None and size_bytes < 1:
        raise UsageError(f"size = {given}: give bytes, or a size like 256MiB")
    return size_bytes


def _alike(names: Mapping[str, Any]) -> Iterator[str]:
    """Names that differ by a dash only: Locust names user classes without it."""
    seen: dict[str, str] = {}
    for name in names:
        first = seen.setdefault(name.replace("-", ""), name)
        if first != name:
            yield f"[{name}]: {name} and {first} differ by a dash only: choose names that do not"
