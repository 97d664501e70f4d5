"""targets.toml: the user's own servers, by name (docs/targets.md says what may stand in it).

Its rule: whatever is wrong is said before anything runs, one line each: where, what, and what to do.
"""

import difflib
import ipaddress
import os
import re
import shlex
import signal
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from errors import UsageError
from profiles.store.records import SERVED_PATH, TargetFacts
from profiles.store.records import ExternalTarget as ExternalKind
from profiles.targets import toml_positions
from profiles.targets.external import PLACEHOLDERS, ExternalTarget
from units import parse_size

MOST_BYTES = 1 << 20
MOST_ERRORS = 20
RESERVED = ("all", "course", "load", "machine", "sampler")
LONGEST_READY_S, LONGEST_STOP_S = 120.0, 60.0
_NAME = re.compile(r"[a-z][a-z0-9]{0,30}(?:-[a-z0-9]{1,30}){0,5}")
_OF_STARTED = ("stop", "env", "cwd", "files", "values", "ready_within_s", "stop_within_s")


_Tls = Literal["user", "kernel"]  # who encrypts; the only choice among words that there is
_TLS = get_args(_Tls)


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table of the file, as TOML has it."""

    address: str
    command: str | list[str] | None = None
    pid: int | str | None = None
    container: str | None = None
    path: str = SERVED_PATH
    summary: str = ""
    size: int | str | None = None
    sha256: str | None = None
    tls: _Tls | None = None
    stop: str | list[str] | None = None
    env: dict[str, str] | None = None
    cwd: str | None = None
    files: list[str] | None = None
    values: dict[str, str] | None = None
    ready_within_s: float | None = None
    stop_within_s: float | None = None


def read(path: Path, taken: frozenset[str]) -> list[tuple[TargetFacts, ExternalTarget]]:
    """The targets of a file, in its order. taken: names of ours. Raises UsageError with a line for each mistake."""
    text = _text(path)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, complaint = toml_positions.explain(error, text)
        remedy = "each may be there once" if "Cannot" in complaint else "correct it, as TOML has it: key = value"
        raise UsageError(f"{path}:{line}: {complaint}: {remedy}") from error
    found, wrong = [], []
    for name, table in tables.items():
        try:
            found.append(_target(name, table, path.resolve().parent, taken))
        except ConfigError as complaint_of:
            wrong.append(((name, *complaint_of.key), str(complaint_of)))
    wrong += [((name,), text) for name, text in _alike(list(tables))]
    if wrong:
        known = toml_positions.lines(text)
        said = sorted((toml_positions.line_of(key, known), text) for key, text in wrong)
        raise UsageError("\n".join(f"{path}:{line}: {text}" for line, text in said[:MOST_ERRORS]))
    return found


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"{path} is larger than {MOST_BYTES >> 20} MiB: is it a targets.toml?")
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; give TARGETS a file like targets.toml") from error
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: not UTF-8: save the file as UTF-8") from error


def _target(name: str, table: Any, here: Path, taken: frozenset[str]) -> tuple[TargetFacts, ExternalTarget]:
    if not isinstance(table, dict):
        raise ConfigError((), f"{name} belongs to no target: begin one with [its-name] on a line above")
    if not _NAME.fullmatch(name):
        raise ConfigError((), f"{name!r} is no name: small letters, digits and single dashes, like nginx-sendfile")
    if name in taken or name in RESERVED:
        raise ConfigError((), f"{name} is a name of ours: choose another")
    entry = _entry(table)
    guest = _guest(entry, here)
    for key, placeholder in guest.unknown_placeholders():
        known = ", ".join(f"{{{each}}}" for each in (*PLACEHOLDERS, *guest.values))
        raise ConfigError(key, f"there is no {{{placeholder}}} to fill in: there are {known}")
    kind: ExternalKind = "command" if entry.command else "container" if entry.container else "pid"
    facts = TargetFacts(
        name=name,
        port=guest.port,
        summary=entry.summary or f"a server of your own, by its {kind}",
        tls=entry.tls,
        guest=kind,
        path=entry.path,
        size_bytes=size(entry.size),
        sha256=entry.sha256.lower() if entry.sha256 else None,
    )
    return facts, guest


def _entry(table: dict[str, Any]) -> _Entry:
    try:
        return msgspec.convert(table, type=_Entry)
    except msgspec.ValidationError as error:
        complaint, _, where = str(error).partition(" - at ")
        key = tuple(re.findall(r"[A-Za-z0-9_-]+", re.sub(r"\[.*", "", where)))
        if unknown := re.search(r"unknown field `(.*)`", complaint):
            near = difflib.get_close_matches(unknown[1], _Entry.__struct_fields__, 1)
            remedy = f"is {near[0]} meant?" if near else f"there are {', '.join(_Entry.__struct_fields__)}"
            raise ConfigError((unknown[1],), f"there is no key {unknown[1]}: {remedy}") from error
        if missing := re.search(r"missing required field `(.*)`", complaint):
            raise ConfigError(
                (), f'{missing[1]} is missing: add a line like {missing[1]} = "127.0.0.1:8200"'
            ) from error
        if "enum value" in complaint:
            raise ConfigError(key, f"{key[0]}: give {' or '.join(_TLS)}") from error
        expected = complaint.replace(" | null", "").replace("`", "").replace("array", "a list of str")
        raise ConfigError(key, f"{'.'.join(key)}: {expected[:1].lower()}{expected[1:]}") from error


def _guest(entry: _Entry, here: Path) -> ExternalTarget:
    if sum(given is not None for given in (entry.command, entry.pid, entry.container)) != 1:
        raise ConfigError((), "give one of command (to start it), pid and container (to measure what runs already)")
    for key in _OF_STARTED if entry.command is None else ():
        if getattr(entry, key) is not None:
            raise ConfigError((key,), f"{key} is for a command: what runs already is measured, and never touched")
    _check(entry, here)
    host, port = address(entry.address)
    return ExternalTarget(
        here=here,
        host=host,
        port=port,
        path=entry.path,
        command=parse_command("command", entry.command),
        pid=here / entry.pid if isinstance(entry.pid, str) else entry.pid,
        container=entry.container,
        stop=stop(entry.stop),
        env=entry.env or {},
        cwd=entry.cwd or "{here}",
        files=tuple(entry.files or ()),
        values=entry.values or {},
        ready_within_s=entry.ready_within_s or 15.0,
        stop_within_s=entry.stop_within_s or 5.0,
        tls=entry.tls is not None,
    )


def _check(entry: _Entry, here: Path) -> None:
    """What a type does not say. Raises ConfigError."""
    if not re.fullmatch(r"/[!-~]*", entry.path):
        raise ConfigError(("path",), f'path {entry.path!r}: give what a GET asks for, like "{SERVED_PATH}"')
    if entry.sha256 is not None and not re.fullmatch(r"[0-9A-Fa-f]{64}", entry.sha256):
        raise ConfigError(("sha256",), "sha256: give the 64 hexadecimal digits that sha256sum prints")
    if (entry.sha256 is None) != (entry.size is None):
        raise ConfigError((), "size and sha256 belong together: give both where another file is sent, else neither")
    if isinstance(entry.pid, int) and entry.pid < 1:
        raise ConfigError(("pid",), f"pid {entry.pid}: give the number of a process, or the file that holds it")
    for key, most in (("ready_within_s", LONGEST_READY_S), ("stop_within_s", LONGEST_STOP_S)):
        seconds = getattr(entry, key)
        if seconds is not None and not 0.1 <= seconds <= most:
            raise ConfigError((key,), f"{key} = {seconds:g}: give 0.1 to {most:g}")
    for name in entry.files or ():
        if Path(name).is_absolute() or ".." in Path(name).parts or not (here / name).is_file():
            raise ConfigError(("files",), f"files: {name} is not a file below {here}")
        if not os.access(here / name, os.R_OK):
            raise ConfigError(("files",), f"files: {name} cannot be read: change its permissions")
    for name in entry.values or ():
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in PLACEHOLDERS:
            raise ConfigError(("values", name), f"values: {name} cannot be a placeholder: choose another name")


def _alike(names: list[str]) -> Iterator[tuple[str, str]]:
    """Names that differ by a dash only: Locust names user classes without it."""
    seen: dict[str, str] = {}
    for name in names:
        first = seen.setdefault(name.replace("-", ""), name)
        if first != name:
            yield name, f"{name} and {first} differ by a dash only: choose names that do not"


_ADDRESS = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+)):(?P<port>\d{1,5})")


class ConfigError(Exception):
    """What is wrong, and under which key of a table."""

    def __init__(self, key: tuple[str, ...], text: str) -> None:
        super().__init__(text)
        self.key = key


def address(text: str) -> tuple[str, int]:
    found = _ADDRESS.fullmatch(text)
    if found is None or not 1 <= int(found["port"]) <= 65535:
        raise ConfigError(("address",), f'address {text!r}: give host:port, like "127.0.0.1:8200" or "[::1]:8200"')
    if found["v6"]:
        try:
            ipaddress.IPv6Address(found["v6"])
        except ValueError as error:
            raise ConfigError(("address",), f"address {text!r}: {found['v6']} is no IPv6 address") from error
    return found["v6"] or found["host"], int(found["port"])


def parse_command(key: str, given: str | list[str] | None) -> tuple[str, ...]:
    """A command as words; a string is split as a shell would, and no shell runs it."""
    try:
        found = tuple(shlex.split(given) if isinstance(given, str) else given or ())
    except ValueError as error:
        raise ConfigError((key,), f"{key}: {error}: close the quotation, or give a list of words") from error
    if given is not None and (not found or not found[0] or any("\0" in word for word in found)):
        raise ConfigError((key,), f'{key} is empty: give a program and its arguments, like ["nginx", "-c", "…"]')
    return found


def stop(given: str | list[str] | None) -> int | tuple[str, ...]:
    if given is None:
        return signal.SIGTERM
    if isinstance(given, str) and given.startswith("SIG"):
        if given not in signal.Signals.__members__:
            raise ConfigError(("stop",), f"stop: there is no signal {given}: SIGTERM, SIGINT or SIGQUIT is usual")
        return signal.Signals[given]
    return parse_command("stop", given)


def size(given: int | str | None) -> int | None:
    try:
        size_bytes = parse_size(given) if isinstance(given, str) else given
    except UsageError as error:
        raise ConfigError(("size",), f"size: {error}") from error
    if size_bytes is not None and size_bytes < 1:
        raise ConfigError(("size",), f"size = {size_bytes}: give bytes, or a size like 256MiB")
    return size_bytes
