"""The servers that ours are held against, as targets of a campaign (docs/targets.md): a C floor, nginx, bare Python.

Its rule: a campaign starts and measures them as it does ours: fresh in every round, on the same CPUs, with the same
congestion control, every process counted. nginx is the one of examples/targets.toml, at its best, with two settings of
which each costs it less than its default:

- tcp_nopush on: full packets only, until the answer ends. By far the most important for sendfile on loopback.
- sendfile_max_chunk 0: no break after 2 MiB; here nobody else waits for the worker.
- output_buffers 1 256k, for `sendfile off`: the size of our own buffer; the default of 2 32k costs a third more.
- open_file_cache: nothing is opened, stat'ed and closed per request. Ours keeps a connection's last file open and asks
  at every request whether its path still leads to it.
"""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from profiles.targets.catalog import PROJECT
from servers import payload
from tests.bench.field import Field

EXAMPLES = PROJECT / "examples"
NGINX = ("nginx-sendfile", "nginx-read")
NO_NGINX = "nginx is not installed here (Debian: nginx-light)"
FLOOR_PATHS = ("sendfile", "splice", "read-send", "mmap-send")
# The share that each burns more (burning_server.py).
BURNED = {"burning-none": "0", "burning-tenth": "0.10", "burning-twin": "0"}
BARE = "bare-sendfile"


def find_nginx() -> str | None:
    """The program; also where Debian puts it, which is not on everybody's path."""
    return shutil.which("nginx") or shutil.which("/usr/sbin/nginx")


def nginx_version() -> str:
    """As it says itself, like "nginx/1.22.1"; empty when it does not."""
    done = subprocess.run([find_nginx() or "nginx", "-v"], capture_output=True, text=True, check=False)
    return done.stderr.strip().removeprefix("nginx version: ")


def floor_of(path: str) -> str:
    """The name of the C floor's server with this data path."""
    return f"floor-{path}"


def write(field: Field) -> Path:
    """A targets.toml with all of them."""
    file = field.folder / "targets.toml"
    if not file.exists():
        shutil.copy(EXAMPLES / "nginx.conf", field.folder)
        tables = dict(_tables(field))
        ports = _free_ports(len(tables))
        with file.open("w") as out:
            for port, (name, table) in zip(ports, tables.items(), strict=True):
                out.write(_toml(name, table | {"address": f"127.0.0.1:{port}"}))
    return file


def _tables(field: Field) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in FLOOR_PATHS:
        yield floor_of(path), {"command": [str(field.floor), "serve", path, "{port}", f"{{root}}/{payload.NAME}"]}
    python = {"cwd": str(PROJECT)}
    where = ["--port", "{port}", "--root", "{root}"]
    yield BARE, python | {"command": [sys.executable, "-m", "tests.bench.bare_server", *where]}
    for name, share in BURNED.items():
        yield name, python | {"command": [sys.executable, "-m", "tests.bench.burning_server", share, *where]}
    if program := find_nginx():
        known = tomllib.loads((EXAMPLES / "targets.toml").read_text())
        for name in NGINX:
            yield name, known[name] | {"command": [program, *known[name]["command"][1:]]}


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]


def _toml(name: str, table: dict[str, Any]) -> str:
    """Texts, lists and one level of tables, each of which JSON writes as TOML does."""
    lines = [f"[{name}]"]
    for key, value in table.items():
        if isinstance(value, dict):
            lines += [f"{key}.{inner} = {json.dumps(text)}" for inner, text in value.items()]
        else:
            lines.append(f"{key} = {json.dumps(value)}")
    return "\n".join(lines) + "\n\n"
