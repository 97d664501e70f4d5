"""System calls by name during one download, by strace: of a mode in its trial, or of an external server from outside.

A call is counted as it was made, whatever came of it. Of an external server's bytes only those that it read() from a
file are known to have gone through the CPU; /proc/PID/io would not tell, as it counts a write() to a socket like one to
a file.
"""

import contextlib
import os
import re
import select
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from errors import UserError
from profiles.checks.trial import FILE_BYTES, MARKS
from profiles.scratch import Scratch
from profiles.targets.http_probe import DOWNLOAD_TIMEOUT_S, Endpoint, get
from units import GIB

ATTACH_TIMEOUT_S = 10.0
_READS = ("read", "pread64", "readv", "preadv", "preadv2")
_CALL = re.compile(r"^(?P<name>\w+)\((?:\d+<(?P<path>/[^>]*)>)?(?:.*= (?P<result>-?\d+))?")


@dataclass(frozen=True, slots=True)
class Calls:
    """counted: system calls by name. read_bytes: of the file that was read most."""

    counted: Counter[str]
    read_bytes: int

    def per_gib(self, size_bytes: int) -> dict[str, float]:
        """The most frequent first. size_bytes: of the download."""
        return {name: count * GIB / size_bytes for name, count in self.counted.most_common()}


def strace_command(log: Path) -> list[str]:
    """Every thread writes to its own file, log.TID."""
    return ["strace", "-f", "-ff", "-y", "-s", "0", "-e", "signal=none", "-o", str(log)]


def read_logs(log: Path) -> Iterator[list[str]]:
    for path in log.parent.glob(f"{log.name}.*"):
        yield path.read_text(errors="replace").splitlines()


def between_marks(thread: list[str]) -> list[str] | None:
    """The calls of a thread between the marks of its trial; None where it set none."""
    begin, end = (next((at for at, line in enumerate(thread) if mark in line), None) for mark in MARKS)
    return None if begin is None or end is None else thread[begin + 1 : end]


def count_calls(lines: Iterable[str]) -> Calls:
    """A call that was under way when strace left has no result, but was made."""
    counted: Counter[str] = Counter()
    read: Counter[str] = Counter()
    for line in lines:
        if found := _CALL.match(line):
            counted[found["name"]] += 1
            if found["name"] in _READS and found["path"]:
                read[found["path"]] += max(0, int(found["result"] or 0))
    return Calls(counted, max(read.values(), default=0))


def trace_download(pids: tuple[int, ...], endpoint: Endpoint) -> tuple[Calls, int]:
    """The calls of these processes during one download, and its size in bytes. Raises UserError."""
    with contextlib.closing(Scratch()) as scratch:
        log = scratch.path / "calls"
        command = strace_command(log) + [word for pid in pids for word in ("-p", str(pid))]
        try:
            strace = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        except OSError as error:
            raise UserError("strace is not installed") from error
        try:
            _wait_until_attached(strace, len(pids))
            size_bytes = _download_some(endpoint)
        except (OSError, HTTPException) as error:
            raise UserError(f"no download under strace: {error or type(error).__name__}") from error
        finally:
            _detach(strace)
        calls = count_calls(line for thread in read_logs(log) for line in thread)
    if not calls.counted:
        raise UserError("strace saw none of its calls")
    return calls, size_bytes


def _wait_until_attached(strace: subprocess.Popen[bytes], processes: int) -> None:
    assert strace.stderr is not None
    until_s, said = time.monotonic() + ATTACH_TIMEOUT_S, b""
    while said.count(b" attached") < processes:
        ready, _, _ = select.select([strace.stderr], [], [], max(0.0, until_s - time.monotonic()))
        piece = os.read(strace.stderr.fileno(), 4096) if ready else b""
        if not piece:
            last = (said.decode(errors="replace").strip().splitlines() or ["it printed nothing"])[-1]
            raise UserError(f"strace may not trace it ({last}): run as root, or set sysctl kernel.yama.ptrace_scope=0")
        said += piece


def _detach(strace: subprocess.Popen[bytes]) -> None:
    """Raises UserError where strace has to be killed, since what it saw last is lost then."""
    strace.terminate()  # not SIGINT, which is ignored in what a shell started in the background
    try:
        strace.communicate(timeout=ATTACH_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        strace.kill()  # the kernel detaches it, ptrace(2)
        strace.communicate()
        raise UserError(
            f"strace did not end within {ATTACH_TIMEOUT_S:g} s of being asked to, and was killed"
        ) from error


def _download_some(endpoint: Endpoint) -> int:
    """Download the first FILE_BYTES, or the whole file from a server without ranges; how many bytes arrived."""
    size_bytes = 0
    with get(endpoint, DOWNLOAD_TIMEOUT_S, {"Range": f"bytes=0-{FILE_BYTES - 1}"}) as response:
        while piece := response.read(1 << 20):
            size_bytes += len(piece)
    if not size_bytes:
        raise HTTPException("no byte arrived")
    return size_bytes
