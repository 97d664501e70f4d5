"""Who has a TCP port of this machine: a process that listens there, or connections of one that has ended.

Its rule: the standard library alone, by way of /proc/net/tcp (proc(5)), so that a server can say what is in its way.
"""

import contextlib
import errno
import math
import os
import re
import socket
import struct
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from errors import UserError

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
LISTEN = "0A"
ENDED = "03"  # the timer of a connection that no process has any more: in TIME-WAIT, or FIN-WAIT-2
LEAST_S = 0.2
_SOCKET = re.compile(r"socket:\[(\d+)\]")
USER_HZ = os.sysconf("SC_CLK_TCK")
EVERYWHERE = ("0.0.0.0", "::")
_UNSHARED = "connections to it are still in TIME-WAIT, and it may not set SO_REUSEADDR, which would allow that"
_LEFT_BEHIND = "a server that did not set SO_REUSEADDR has ended, and its connections are still in TIME-WAIT"


@dataclass(frozen=True, slots=True)
class _Socket:
    """left_s: until its timer goes off."""

    state: str
    timer: str
    left_s: float
    inode: int


def listeners(port: int, host: str = EVERYWHERE[0]) -> list[int | None]:
    """The processes that listen on this TCP port, where they would be in the way of host; None for another user's."""
    inodes = {each.inode for each in _sockets(port, host) if each.state == LISTEN}
    owners = _owners(inodes) if inodes else {}
    return [owners.get(inode) for inode in inodes]


def listening(pids: Iterable[int]) -> list[int]:
    """The TCP ports that these processes listen on, as far as this user may look."""
    inodes = {inode for pid in pids for inode in _inodes(Path(f"/proc/{pid}/fd"))}
    return sorted({number for number, _, each in _entries() if each.state == LISTEN and each.inode in inodes})


def who_has(port: int, host: str = EVERYWHERE[0]) -> str:
    """Who is in the way and what to do about it, in words for an error."""
    if found := listeners(port, host):
        pid = next((pid for pid in found if pid is not None), None)
        if pid is None:
            return f"a process of another user listens there (`sudo ss -tlnp 'sport = :{port}'` names it); stop it"
        return f"process {pid} ({_command(pid)}) listens there; stop it"
    if left_s := _ended_s(port, host):
        return f"{_LEFT_BEHIND}; wait {math.ceil(left_s)} s"
    return f"a socket that does not listen has it (`ss -tanp 'sport = :{port}'` may name it); stop what uses it"


def _command(pid: int) -> str:
    """The beginning of a process's command line."""
    try:
        program, *words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return "it has just ended"
    line = " ".join([program.rpartition("/")[2], *words])
    return "".join(letter if letter.isprintable() else "?" for letter in textwrap.shorten(line, 50, placeholder=" …"))


def require_free(ports: Mapping[str, int], host: str, instead: str) -> None:
    """Wait as wait_until_free() does. Raises UserError where a port is still busy: the first one's holder is named.

    instead: what else to choose.
    """
    wait_until_free(ports, host)
    busy = {name: port for name, port in ports.items() if not _is_free(port, host)}
    if busy:
        name, port = next(iter(busy.items()))
        others = f"; {len(busy) - 1} more of the {len(ports)} ports are busy" if len(busy) > 1 else ""
        raise UserError(f"{cannot_listen(name, host, port)}, or choose {instead}{others}")


def cannot_listen(name: str, host: str, port: int) -> str:
    """The error of a server whose port is busy."""
    where = f"{name} cannot listen on {host or 'any address'} port {port}"
    return f"{where}: {os.strerror(errno.EADDRINUSE)}: {who_has(port, host)}"


def wait_until_free(ports: Mapping[str, int], host: str, *, shared: bool = True) -> None:
    """Wait for connections in TIME-WAIT (tcp(7)), with a countdown on standard error. ports: by who wants to listen.
    shared: whether with SO_REUSEADDR, so that only those are in the way whose server did not set it.

    Returns at once where a process has a port, since nobody knows for how long.
    """
    why = _LEFT_BEHIND if shared else _UNSHARED
    terminal = sys.stderr.isatty()
    for name, port in ports.items():
        told = False
        while not _is_free(port, host, shared) and not listeners(port, host) and (left_s := _ended_s(port, host)):
            if terminal or not told:
                said = f"{name} waits {math.ceil(left_s)} s for port {port}: {why}"
                print(f"\r{said} " if terminal else f"{said}\n", end="", file=sys.stderr, flush=True)
                told = True
            time.sleep(min(1.0, left_s))
        if told and terminal:
            print(file=sys.stderr)


def _is_free(port: int, host: str, shared: bool = True) -> bool:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        if not shared:
            with socket.socket(family) as probe:
                probe.bind((host, port))
        socket.create_server((host, port), family=family).close()  # sets SO_REUSEADDR
    except OSError as error:
        return error.errno != errno.EADDRINUSE  # whoever listens says what else is wrong
    except UnicodeError:  # likewise
        return True
    return True


def _ended_s(port: int, host: str) -> float:
    """Seconds until the last connection has gone that no process has any more; 0 where there is none."""
    found = _sockets(port, host)
    return max((each.left_s for each in found if each.inode == 0 and each.timer == ENDED), default=0.0)


def _sockets(port: int, host: str) -> Iterator[_Socket]:
    """Those on this port that would be in the way of whoever listens on host."""
    everywhere = host in ("", *EVERYWHERE)
    for number, address, each in _entries():
        if number == port and (everywhere or _address(address) in (host, *EVERYWHERE)):
            yield each


def _entries() -> Iterator[tuple[int, str, _Socket]]:
    """The port, the address as it stands there, and the socket of each line."""
    for table in filter(Path.exists, TABLES):
        for line in table.read_text().splitlines()[1:]:
            _, local, _, state, _, timer, _, _, _, inode = line.split()[:10]
            address, _, number = local.partition(":")
            kind, _, when = timer.partition(":")
            left_s = max(LEAST_S, int(when, 16) / USER_HZ)  # a timer may go off late
            yield int(number, 16), address, _Socket(state, kind, left_s, int(inode))


def _address(text: str) -> str:
    """From 32-bit words in hexadecimal, each in the byte order of this machine; an IPv4 address also where the socket
    is of IPv6."""
    words = [int(text[start : start + 8], 16) for start in range(0, len(text), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, packed).removeprefix("::ffff:")


def _owners(inodes: set[int]) -> dict[int, int]:
    """The process of each socket, as far as this user may look."""
    found: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*/fd"):
        for inode in inodes.intersection(_inodes(folder)):
            found.setdefault(inode, int(folder.parent.name))
    return found


def _inodes(folder: Path) -> Iterator[int]:
    """Of the sockets among a process's descriptors, /proc/PID/fd."""
    with contextlib.suppress(OSError):
        for fd in folder.iterdir():
            with contextlib.suppress(OSError):
                if found := _SOCKET.fullmatch(str(fd.readlink())):
                    yield int(found[1])
