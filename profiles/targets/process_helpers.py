"""Whether a TCP port of this machine is free, and who has it.

Its rule: who holds a port is named, as far as we may know.
"""

import os
import socket
from contextlib import suppress
from typing import IO

import psutil

from errors import UserError


def listeners(port: int) -> list[int | None]:
    """The processes that listen on this TCP port, by any address; None for one of another user."""
    return [
        connection.pid
        for connection in psutil.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN and getattr(connection.laddr, "port", None) == port
    ]


def free_port(host: str) -> int:
    """One that nobody has at this moment."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as probe:
        return int(probe.getsockname()[1])


def refuse_busy(name: str, port: int) -> None:
    """Raises UserError where somebody listens on the port, naming who, if that can be known."""
    found = listeners(port)
    if found:
        pid = next((each for each in found if each is not None), None)
        who = "a process of another user"
        with suppress(psutil.Error):
            who = who if pid is None else f"process {pid} ({psutil.Process(pid).name()})"
        raise UserError(f"{name} cannot have port {port}: {who} listens there; stop it, or choose another address")


_TAIL_BYTES = 4096


def last_line(log: IO[bytes]) -> str:
    """The last line that the server wrote, without what makes it an error."""
    size = os.fstat(log.fileno()).st_size
    tail = os.pread(log.fileno(), _TAIL_BYTES, max(0, size - _TAIL_BYTES)).decode(errors="replace")
    lines = [line for line in tail.splitlines() if line.strip() and ": serving " not in line]
    return lines[-1].removeprefix("error: ") if lines else ""
