"""`python -m servers` as a process whose lines, children and end can be waited for."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from servers import discovery
from tests.servers.raw import TlsPort

PROJECT = Path(__file__).resolve().parent.parent.parent
TIMEOUT_S = 20.0
_READY = re.compile(r"ready (\S+) (\d+) \S+|  (\S+) +(?:https?://[^/]*:(\d+)/|missing on this machine: ).*")


class ServerProcess:
    def __init__(self, stderr_path: Path, *arguments: str | os.PathLike[str], **options: Any) -> None:
        self._stderr_path = stderr_path
        with stderr_path.open("wb") as stderr:
            defaults: dict[str, Any] = {
                "cwd": PROJECT,
                "stdout": subprocess.PIPE,
                "stderr": stderr,
                "start_new_session": True,
            }
            command = [sys.executable, "-m", "servers", *arguments]
            self.process: subprocess.Popen[bytes] = subprocess.Popen(command, **(defaults | options))
        self._unread = b""

    @property
    def pid(self) -> int:
        return self.process.pid

    def ready_ports(self, count: int = 1) -> dict[str, int]:
        """The ports by mode, once this many servers are ready; 0 for one that says what this machine lacks."""
        ports: dict[str, int] = {}
        while len(ports) < count:
            if found := _READY.fullmatch(self.line()):
                name, port = found[1] or found[3], int(found[2] or found[4] or 0)
                ports[name] = port if discovery.import_mode(name)[0].tls is None else TlsPort(port)
        return ports

    def raw_ports(self, count: int) -> dict[str, int]:
        """The same of raw servers, which have no URL."""
        ports: dict[str, int] = {}
        while len(ports) < count:
            if found := re.fullmatch(r"  (\S+) +127\.0\.0\.1:(\d+)", self.line()):
                ports[found[1]] = int(found[2])
        return ports

    def ready_port(self) -> int:
        return next(iter(self.ready_ports().values()))

    def line(self) -> str:
        assert self.process.stdout is not None
        deadline_s = time.monotonic() + TIMEOUT_S
        while b"\n" not in self._unread:
            left_s = deadline_s - time.monotonic()
            readable, _, _ = select.select([self.process.stdout], [], [], max(0.0, left_s))
            assert readable, f"no line on stdout after {TIMEOUT_S:g} s; stderr: {self.errors()}"
            data = os.read(self.process.stdout.fileno(), 4096)
            assert data, f"it ended without being ready; stderr: {self.errors()}"
            self._unread += data
        line, self._unread = self._unread.split(b"\n", 1)
        return line.decode()

    def errors(self) -> str:
        """Its stderr so far."""
        return self._stderr_path.read_text()

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children(recursive=True)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        return self.process.wait(TIMEOUT_S)

    def kill_if_running(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
