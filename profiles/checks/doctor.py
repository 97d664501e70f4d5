"""What this machine can do for a measurement: each feature is tried, as a version number would not tell.

A feature is available, degraded or missing, and the last two say why and what to do.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from errors import UserError
from profiles.host.page_cache import by_cachestat
from profiles.profilers.py_spy import explain, find_py_spy
from profiles.protocol import Start
from profiles.scratch import Scratch
from profiles.store.run_facts import SERVED_FILE
from profiles.targets.catalog import Target
from profiles.targets.external_server import serving

State = Literal["available", "degraded", "missing"]

_TRIED_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Feature:
    """text: what the feature is good for, or why it is missing and what to do."""

    name: str
    state: State
    text: str

    def __str__(self) -> str:
        return f"{self.state}: {self.text}"


def features() -> list[Feature]:
    """All features, in the order in which to show them; takes about half a second, since most wait for a process."""
    tries = (_py_spy, _perf, _strace, _cachestat, _pinning, _congestion_control, _io_accounting)
    with ThreadPoolExecutor(len(tries)) as pool:
        return [found.result() for found in [pool.submit(one) for one in tries]]


def external_targets(targets: Iterable[Target]) -> list[Feature]:
    """Whether the servers of targets.toml can run here: each is started, asked for a file, and stopped again."""
    return [_external(target) for target in targets if target.external is not None]


def _external(target: Target) -> Feature:
    with contextlib.closing(Scratch()) as scratch:
        scratch.path.chmod(0o755)  # a server may drop its privileges before it reads
        (scratch.path / SERVED_FILE).write_bytes(bytes(_TRIED_BYTES))
        try:
            with serving(target, scratch.path, Start(target.name, any_port=True)) as server:
                text = f"it answers on port {server.port}; processes: {len(server.pids)}; "
                text += f"congestion control: {server.congestion_control or 'unknown'}"
                return Feature(target.name, "available", text)
        except UserError as error:
            return Feature(target.name, "missing", str(error).removeprefix(f"{target.name}: "))


def _permitted(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _py_spy() -> Feature:
    program = find_py_spy()
    if program is None:
        return Feature("py-spy", "missing", "no flame graphs; `make setup` installs it")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as python:
        command = [program, "dump", "--nonblocking", "--pid", str(python.pid)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        python.communicate(b"\n")
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return Feature("py-spy", "missing", explain(lines[0]))
    return Feature("py-spy", "available", "flame graphs with Python frames")


def _perf() -> Feature:
    if shutil.which("perf") is None:
        return Feature("perf", "missing", "no kernel frames; install it (Debian: linux-perf)")
    with contextlib.closing(Scratch()) as scratch:
        if _permitted(
            ["perf", "record", "-q", "-e", "cpu-clock", "-a", "-g", "-o", str(scratch.path / "data"), "true"]
        ):
            return Feature("perf", "available", "flame graphs with kernel frames")
    return Feature("perf", "missing", "not permitted; run as root, or set sysctl kernel.perf_event_paranoid=1")


def _strace() -> Feature:
    if shutil.which("strace") is None:
        return Feature("strace", "missing", "system calls are not counted; install it (Debian: strace)")
    if _permitted(["strace", "-o", os.devnull, "true"]):
        return Feature("strace", "available", "the proof counts system calls by name")
    return Feature("strace", "missing", "tracing is not permitted; in a container give it SYS_PTRACE")


def _cachestat() -> Feature:
    with tempfile.TemporaryFile() as file:
        if by_cachestat(file.fileno()) is None:
            return Feature(
                "cachestat", "degraded", "refused, or not in this kernel; mincore reads page-cache residency"
            )
    return Feature("cachestat", "available", "page-cache residency can be read")


def _pinning() -> Feature:
    allowed = os.sched_getaffinity(0)
    if len(allowed) < 2:
        return Feature("pinning", "missing", "only one CPU is allowed: load and servers share it")
    if not _permitted([sys.executable, "-c", f"import os; os.sched_setaffinity(0, {{{min(allowed)}}})"]):
        return Feature("pinning", "missing", "sched_setaffinity is refused: load and servers run on any CPU")
    return Feature("pinning", "available", f"load and servers get separate CPUs, out of {len(allowed)}")


def _congestion_control() -> Feature:
    with socket.socket() as sock:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
        except OSError as error:
            text = f"cubic is refused ({error.strerror}), reno is used; sysctl net.ipv4.tcp_allowed_congestion_control"
            return Feature("congestion control", "degraded", text)
    return Feature("congestion control", "available", "cubic can be set, which does not pace as BBR does")


def _io_accounting() -> Feature:
    if Path("/proc/self/io").exists():
        return Feature("I/O accounting", "available", "the proof counts copies on the read side")
    return Feature("I/O accounting", "missing", "this kernel has no /proc/PID/io: copies are not counted")
