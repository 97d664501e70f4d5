"""What this machine can do for a measurement: each feature is tried, as a version number would not tell.

A feature is available, degraded or missing, and the last two say why and what to do. Where the try itself failed, so
that nothing is known, it is failed.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from errors import UserError
from interpreter import PYTHON
from profiles.host.page_cache import by_cachestat
from profiles.profilers.py_spy import explain, find_py_spy
from profiles.protocol import Start
from profiles.scratch import Scratch
from profiles.store.run_facts import SERVED_FILE
from profiles.targets.catalog import Target
from profiles.targets.external_server import serving

State = Literal["available", "degraded", "missing", "failed"]

_TRIED_BYTES = 64 << 10
_TRY_WITHIN_S = 20.0
_REFUSALS = ("permission", "not permitted", "denied", "paranoid", "access to performance monitoring")


@dataclass(frozen=True, slots=True)
class Feature:
    """text: what the feature is good for, or why it is not available and what to do."""

    name: str
    state: State
    text: str

    def __str__(self) -> str:
        return f"{self.state}: {self.text}"


def features() -> list[Feature]:
    """All features, in the order in which to show them; takes about half a second, since most wait for a process."""
    tries = {
        "py-spy": _py_spy,
        "perf": _perf,
        "strace": _strace,
        "cachestat": _cachestat,
        "pinning": _pinning,
        "congestion control": _congestion_control,
        "I/O accounting": _io_accounting,
    }
    with ThreadPoolExecutor(len(tries)) as pool:
        found = {name: pool.submit(one) for name, one in tries.items()}
    return [_result(name, future) for name, future in found.items()]


def _result(name: str, tried: "Future[tuple[State, str]]") -> Feature:
    try:
        return Feature(name, *tried.result())
    except (OSError, _FailedTryError, subprocess.TimeoutExpired) as error:
        return Feature(name, "failed", f"try again: {error}")


def external_targets(targets: Iterable[Target]) -> list[Feature]:
    """Whether the servers of targets.toml can run here: each is started, asked for a file, and stopped again."""
    return [_external(target) for target in targets if target.external is not None]


def _external(target: Target) -> Feature:
    assert target.external is not None
    with contextlib.closing(Scratch()) as scratch:
        scratch.path.chmod(0o755)  # a server may drop its privileges before it reads
        (scratch.path / SERVED_FILE).write_bytes(bytes(_TRIED_BYTES))
        try:
            with serving(target, scratch.path, Start(target.name, any_port=True)) as server:
                text = f"it answers on port {server.port}; processes: {len(server.pids)}; "
                text += f"congestion control: {server.congestion_control or 'unknown'}"
                return Feature(target.name, "available", text)
        except UserError as error:
            absent = isinstance(error.__cause__, FileNotFoundError) or not target.external.command
            text = str(error).removeprefix(f"{target.name}: ")
            return Feature(target.name, "missing" if absent else "failed", text)


class _FailedTryError(Exception):
    """A try that ended otherwise than with an answer."""


def _is_permitted(command: Sequence[str]) -> bool:
    """Whether a command may do what it does. Raises _FailedTryError where it failed for another reason."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TRY_WITHIN_S)
    if done.returncode and not any(word in done.stderr.lower() for word in _REFUSALS):
        raise _FailedTryError(f"{command[0]} ended with {_last_line(done)}")
    return not done.returncode


def _last_line(done: "subprocess.CompletedProcess[str]") -> str:
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def _py_spy() -> tuple[State, str]:
    program = find_py_spy()
    if program is None:
        return "missing", "no flame graphs; `make setup` installs it"
    idle = [*PYTHON, "-c", "import sys; print(flush=True); sys.stdin.read()"]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL  # whoever reads may be killed, of which it would complain
    with subprocess.Popen(idle, stdin=pipe, stdout=pipe, stderr=nowhere, text=True) as python:
        assert python.stdout
        python.stdout.readline()  # before that, it is no Python yet
        try:
            command = [program, "dump", "--nonblocking", "--pid", str(python.pid)]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TRY_WITHIN_S)
        finally:
            python.communicate()
    if not done.returncode:
        return "available", "flame graphs with Python frames"
    if not any(word in done.stderr.lower() for word in _REFUSALS):
        raise _FailedTryError(f"py-spy ended with {_last_line(done)}")
    return "missing", explain(done.stderr.strip().splitlines()[0])


def _perf() -> tuple[State, str]:
    if shutil.which("perf") is None:
        return "missing", "no kernel frames; install it (Debian: linux-perf)"
    with contextlib.closing(Scratch()) as scratch:
        output = ["-N", "-o", str(scratch.path / "data")]  # without -N, perf copies every program into ~/.debug
        if _is_permitted(["perf", "record", "-q", "-e", "cpu-clock", "-a", "-g", *output, "true"]):
            return "available", "flame graphs with kernel frames"
    return "missing", "not permitted; run as root, or set sysctl kernel.perf_event_paranoid=1"


def _strace() -> tuple[State, str]:
    if shutil.which("strace") is None:
        return "missing", "system calls are not counted; install it (Debian: strace)"
    if _is_permitted(["strace", "-o", os.devnull, "true"]):
        return "available", "the proof counts system calls by name"
    return "missing", "tracing is not permitted; in a container give it SYS_PTRACE"


def _cachestat() -> tuple[State, str]:
    with tempfile.TemporaryFile() as file:
        if by_cachestat(file.fileno()) is None:
            return "degraded", "refused, or not in this kernel; mincore reads page-cache residency"
    return "available", "page-cache residency can be read"


def _pinning() -> tuple[State, str]:
    allowed = os.sched_getaffinity(0)
    if len(allowed) < 2:
        return "missing", "only one CPU is allowed: load and servers share it"
    if not _is_permitted([*PYTHON, "-c", f"import os; os.sched_setaffinity(0, {{{min(allowed)}}})"]):
        return "missing", "sched_setaffinity is refused: load and servers run on any CPU"
    return "available", f"load and servers get separate CPUs, out of {len(allowed)}"


def _congestion_control() -> tuple[State, str]:
    with socket.socket() as sock:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
        except OSError as error:
            text = f"cubic is refused ({error.strerror}), reno is used; sysctl net.ipv4.tcp_allowed_congestion_control"
            return "degraded", text
    return "available", "cubic can be set, which does not pace as BBR does"


def _io_accounting() -> tuple[State, str]:
    if Path("/proc/self/io").exists():
        return "available", "the proof counts copies on the read side"
    return "missing", "this kernel has no /proc/PID/io: copies are not counted"
