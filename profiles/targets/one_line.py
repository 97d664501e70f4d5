"""Servers that a command line names, by COMMAND=… or URL=…: each becomes a table as targets.toml has it.

Its rule: from then on it is a target like any other (profiles/targets/catalog.py), and nothing else knows where it
came from. Whatever is wrong is said before anything starts.
"""

import itertools
import json
import re
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psutil

from errors import UsageError, UserError
from ports import listeners, listening, who_has
from profiles.store.run_facts import WireProtocol
from profiles.targets import raw_probe
from profiles.targets.config_file import NAME, RESERVED, address_of, words_of
from profiles.targets.external import PLACEHOLDER
from profiles.targets.http_probe import DOWNLOAD_TIMEOUT_S, Endpoint, download

Tables = dict[str, dict[str, Any]]

FIRST_PORT = 8251
_INTERPRETERS = re.compile(r"(python|pypy|node|ruby|perl|php|java|deno|bun|bash|dash|sh|env)[\d.]*")
_FORWARDERS = ("docker-proxy", "rootlessport", "slirp4netns", "pasta", "sshd", "ssh")
EXAMPLE = 'COMMAND="caddy file-server --listen {host}:{port} --root {root}"'
_LONGEST = 31


@dataclass(frozen=True, slots=True)
class Given:
    """What a command line says of the servers that it names. ports: where the one command listens that has no {port}.
    names: those that the user gave to these, in their order."""

    protocol: WireProtocol = "http"
    ports: tuple[int, ...] = ()
    names: tuple[str, ...] = ()


def tables_of(
    commands: Sequence[str], urls: Sequence[str], taken: Mapping[str, int], here: Path, given: Given = Given()
) -> Tables:
    """The tables by name. taken: the ports of all other targets, by name. here: what a program's relative path is from.
    Raises UserError, UsageError."""
    used, found = {*taken, *RESERVED}, {}
    ports = (port for port in itertools.count(FIRST_PORT) if port not in taken.values())
    tables = [_of_command(text, port, here, given) for text, port in zip(commands, ports, strict=False)]
    if given.ports:
        ((program, table),) = tables
        found = dict(_of_ports(program, table, given))
        used |= {*found}
        tables = []
    for wanted, table in [*tables, *(_of_url(text, given) for text in urls)]:
        name = next(name for name in _candidates(wanted) if _is_free(name, used))
        used.add(name)
        found[name] = table
    return found


def _of_command(text: str, port: int, here: Path, given: Given) -> tuple[str, dict[str, Any]]:
    """A name, and the table. A command that does not say {root} serves the folder that it is started in, or none; a raw
    one sends a file of its own, and is started where its program lies."""
    words = [*words_of("COMMAND", text)]
    placeholders = {name for word in words for name in PLACEHOLDER.findall(word)}
    if "port" in placeholders and given.ports:
        raise UsageError(f"COMMAND={text!r} has a {{port}}, and PORTS says where it listens: leave out one of them")
    if "port" not in placeholders and not given.ports:
        raise UsageError(
            f"COMMAND={text!r} has no {{port}}: put {{port}} where its port stands, like {EXAMPLE}; or say where it "
            f"listens, like PORTS=8000"
        )
    name = _program(words)
    if "/" in words[0] and "{" not in words[0]:
        words[0] = str(here / words[0])
    cwd = "{here}" if placeholders & {"root", "here", "scratch"} else "{root}"
    if given.protocol == "raw" and cwd == "{root}":
        cwd = _folder_of_the_program(words, here)
    table = {"command": words, "cwd": cwd, "address": f"127.0.0.1:{port}", "summary": text}
    return name, table | ({"protocol": "raw"} if given.protocol == "raw" else {})


def _folder_of_the_program(words: list[str], here: Path) -> str:
    """Of server.py in `python3 lab/server.py`, whose path becomes a whole one; here, where no file is named."""
    for number, word in enumerate(words):
        if not _INTERPRETERS.fullmatch(Path(word).name) and (here / word).is_file():
            words[number] = str(here / word)
            return str((here / word).parent)
    return str(here)


def _of_ports(program: str, table: dict[str, Any], given: Given) -> Iterable[tuple[str, dict[str, Any]]]:
    """A name and a table for each port that the one command listens on. Raises UsageError."""
    if given.names and len(given.names) != len(given.ports):
        raise UsageError(
            f"PORTS has {len(given.ports)} and MODES names {' '.join(given.names)}, which are none of ours: name as "
            f"many as there are ports, in their order, or none"
        )
    names = given.names or [f"{next(iter(_candidates(program)))}-{port}" for port in given.ports]
    for name, port in zip(names, given.ports, strict=True):
        yield name, table | {"address": f"127.0.0.1:{port}"}


def _of_url(text: str, given: Given) -> tuple[str, dict[str, Any]]:
    """A name, and the table of what listens there. Its file is downloaded once, to know it again."""
    if given.protocol == "raw":
        return _of_raw_url(text)
    try:
        url = urllib.parse.urlsplit(text)
        port = url.port or (443 if url.scheme == "https" else 80)
    except ValueError as error:
        raise UsageError(f"URL={text!r}: {error}: give one like http://127.0.0.1:8000/big.bin") from error
    if url.scheme not in ("http", "https") or not url.hostname:
        raise UsageError(f"URL={text!r}: give one like http://127.0.0.1:8000/big.bin")
    host, path = url.hostname, (url.path or "/") + (f"?{url.query}" if url.query else "")
    process = _listening(port, text)
    endpoint = Endpoint(host, port, path, url.scheme == "https")
    try:
        body = download(endpoint, DOWNLOAD_TIMEOUT_S)
    except (OSError, HTTPException) as error:
        raise UserError(f"URL={text}: {error or type(error).__name__}; correct the path, or what it serves") from error
    if body.is_listing or (body.page is not None and url.path.endswith("/")):
        raise UsageError(f"URL={text} is a page ({body.page!r}) and not a file: give the URL of a file, like …/big.bin")
    table: dict[str, Any] = {
        "pid": process.pid,
        "address": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "path": path,
    }
    table |= {"size": body.size_bytes, "sha256": body.sha256, "summary": f"what serves {text}"}
    return process.name(), table | ({"tls": "user"} if endpoint.tls else {})


def _of_raw_url(text: str) -> tuple[str, dict[str, Any]]:
    host, port = address_of("URL", text)
    process = _listening(port, text)
    try:
        body = raw_probe.download(Endpoint(host, port, "", tls=False, protocol="raw"), DOWNLOAD_TIMEOUT_S)
    except OSError as error:
        raise UserError(f"URL={text}: {error or type(error).__name__}; does what listens there speak raw?") from error
    table = {"pid": process.pid, "address": text, "protocol": "raw", "size": body.size_bytes, "sha256": body.sha256}
    return process.name(), table | {"summary": f"what serves {text}"}


def _listening(port: int, text: str) -> psutil.Process:
    """The first of the processes that listen there: a server's workers have its socket, too."""
    found = listeners(port)
    pids = [pid for pid in found if pid is not None]
    if not found:
        raise UserError(f"URL={text}: nothing on this machine listens on port {port}: start it, or correct the URL")
    if not pids:
        raise UserError(f"URL={text}: {who_has(port).removesuffix('; stop it')}; run as that user, or as root")
    try:
        process = psutil.Process(min(pids))
        while (parent := process.parent()) is not None and port in listening([parent.pid]):
            process = parent
    except psutil.Error as error:
        raise UserError(f"URL={text}: what listens on port {port} has just ended: {error}") from error
    if process.name() in _FORWARDERS:
        raise UserError(
            f"URL={text}: {process.name()} listens there, which only passes bytes on: name the server itself, by its "
            f"container, in a targets.toml (docs/targets.md)"
        )
    return process


def _program(words: Sequence[str]) -> str:
    """caddy; of interpreters what they run: http.server of `env X=1 python3 -m http.server`, app of `node app.js`."""
    first = Path(words[0]).name
    if not _INTERPRETERS.fullmatch(first) or "-c" in words:
        return first
    others = [word for word in words[1:] if not (word.startswith("-") or "=" in word or PLACEHOLDER.fullmatch(word))]
    name = next((name for word in others if not _INTERPRETERS.fullmatch(name := Path(word).name)), first)
    return re.sub(r"\.(py|js|mjs|cjs|ts|rb|pl|php|jar|sh)$", "", name)


def _candidates(wanted: str) -> Iterable[str]:
    """Names that targets.toml allows: http-server, http-server-2, …"""
    parts = re.findall("[a-z0-9]+", wanted.lower())[:4]
    name = "-".join(parts)[:_LONGEST].strip("-")
    name = name if NAME.fullmatch(name) else f"server-{name}".strip("-")[:_LONGEST]
    return itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))


def _is_free(name: str, used: Iterable[str]) -> bool:
    """Names that differ by a dash only are the same to Locust (config_file.py)."""
    return name.replace("-", "") not in {each.replace("-", "") for each in used}


def as_toml(name: str, table: Mapping[str, Any]) -> str:
    """JSON's strings and lists are TOML's."""
    return f"[{name}]\n" + "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in table.items())
