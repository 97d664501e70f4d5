"""For all servers that we start: who has a TCP port, what a log ends with, how a process ended."""

import os
import signal
import socket
import subprocess
from contextlib import suppress
from typing import IO

import psutil

from errors import UserError

_TAIL_BYTES = 4096


def listeners(port: int) -> list[int | None]:
    """The processes that listen on this TCP port, on any address; None for one of another user."""
    return [
        connection.pid
        for connection in psutil.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN and getattr(connection.laddr, "port", None) == port
    ]


def free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as probe:
        return int(probe.getsockname()[1])


def refuse_busy(name: str, port: int) -> None:
    """Raises UserError where a process listens on the port; names it, where that is known."""
    found = listeners(port)
    if found:
        pid = next((each for each in found if each is not None), None)
        who = "a process of another user"
        with suppress(psutil.Error):
            who = who if pid is None else f"process {pid} ({psutil.Process(pid).name()})"
        raise UserError(f"{name} cannot have port {port}: {who} listens there; stop it, or choose another address")


def last_line(log: IO[bytes]) -> str:
    """The last line that a server wrote, without "error: "; "" when it wrote none."""
    size = os.fstat(log.fileno()).st_size
    tail = os.pread(log.fileno(), _TAIL_BYTES, max(0, size - _TAIL_BYTES)).decode(errors="replace")
    lines = [line for line in tail.splitlines() if line.strip() and ": serving " not in line]
    return lines[-1].removeprefix("error: ") if lines else ""


def wait_or_kill(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def describe_exit(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
