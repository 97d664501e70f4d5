"""For all servers that we start: a port for them, what a log ends with, how a process ended."""

import os
import signal
import socket
import subprocess
from typing import IO

from errors import UserError, printable
from ports import listeners, who_has
from profiles.metrics import cgroup

_TAIL_BYTES = 4096
_LACKED_MEMORY = " for lack of memory: {}; give more, or ask for fewer USERS or a smaller SIZE"


def free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as probe:
        return int(probe.getsockname()[1])


def refuse_busy(name: str, port: int) -> None:
    """Raises UserError where a process listens on the port; names it, where that is known."""
    if listeners(port):
        who = who_has(port)
        if listeners(port):  # else it only looked for a free port of its own
            raise UserError(f"{name} cannot have port {port}: {who}, or choose another address")


def last_line(log: IO[bytes]) -> str:
    """The last line that a server wrote, printable and without "error: "; "" when it wrote none."""
    size = os.fstat(log.fileno()).st_size
    tail = os.pread(log.fileno(), _TAIL_BYTES, max(0, size - _TAIL_BYTES)).decode(errors="replace")
    lines = [line for line in tail.splitlines() if line.strip()]
    return printable(lines[-1].removeprefix("error: ")) if lines else ""


def wait_or_kill(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Ending:
    """How a process ended. Made before it starts, so that what the kernel kills from then on is noticed."""

    def __init__(self) -> None:
        self._oom_kills = cgroup.oom_kills()

    def describe(self, code: int) -> str:
        """code: of the exit, or the negative number of a signal."""
        if code >= 0:
            return f"exit code {code}"
        before, now = self._oom_kills, cgroup.oom_kills()
        lacked = code == -signal.SIGKILL and before is not None and now is not None and now > before
        return f"killed by {_signal_name(-code)}" + (_LACKED_MEMORY.format(_memory_limit()) if lacked else "")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


def _memory_limit() -> str:
    limit = cgroup.memory_limit()
    return "the machine has no more" if limit in (None, "max") else f"its control group is limited to {limit}"
