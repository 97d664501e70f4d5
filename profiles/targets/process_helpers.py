"""For all servers that we start: a port for them, what a log ends with, how a process ended."""

import os
import signal
import socket
import subprocess
from typing import IO

from errors import UserError
from ports import listeners, who_has

_TAIL_BYTES = 4096


def free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as probe:
        return int(probe.getsockname()[1])


def refuse_busy(name: str, port: int) -> None:
    """Raises UserError where a process listens on the port; names it, where that is known."""
    if listeners(port):
        raise UserError(f"{name} cannot have port {port}: {who_has(port)}, or choose another address")


def last_line(log: IO[bytes]) -> str:
    """The last line that a server wrote, without "error: "; "" when it wrote none."""
    size = os.fstat(log.fileno()).st_size
    tail = os.pread(log.fileno(), _TAIL_BYTES, max(0, size - _TAIL_BYTES)).decode(errors="replace")
    lines = [line for line in tail.splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ") if lines else ""


def wait_or_kill(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def describe_exit(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
