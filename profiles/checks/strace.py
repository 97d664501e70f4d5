"""The system calls of a guest, of all its processes, during one download: by strace, from outside it.

Its rule: a call is counted as it was made, whatever came of it; and of the bytes that went through the CPU only those
that were read() from a file are known. /proc/PID/io would not tell: a write() to a socket counts there as one to a file
does.
"""

import contextlib
import os
import re
import select
import subprocess
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from errors import UserError
from profiles.checks.trial import FILE_BYTES
from profiles.scratch import Scratch
from profiles.targets.http_probe import DOWNLOAD_TIMEOUT_S, Endpoint, get

ATTACH_TIMEOUT_S = 10.0
_READS = ("read", "pread64", "readv", "preadv", "preadv2")
_CALL = re.compile(r"^(?P<name>\w+)\((?:\d+<(?P<path>/[^>]*)>)?(?:.*= (?P<result>-?\d+))?")


@dataclass(frozen=True, slots=True)
class Calls:
    """counted: system calls by name. read_bytes: of the file that was read most from."""

    counted: Counter[str]
    read_bytes: int


def traced(pids: tuple[int, ...], place: Endpoint) -> tuple[Calls, int]:
    """The calls of these processes during one download, and its size in bytes. Raises UserError."""
    with contextlib.closing(Scratch()) as scratch:
        log = scratch.path / "calls"
        command = ["strace", "-f", "-ff", "-y", "-s", "0", "-e", "signal=none", "-o", str(log)]
        for pid in pids:
            command += ["-p", str(pid)]
        try:
            strace = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        except OSError as error:
            raise UserError("strace is not installed") from error
        try:
            _wait_until_attached(strace, len(pids))
            size_bytes = _download_some(place)
        except (OSError, HTTPException) as error:
            raise UserError(f"no download under strace: {error or type(error).__name__}") from error
        finally:
            _detach(strace)
        calls = count_calls(line for path in log.parent.glob("calls.*") for line in _lines(path))
    if not calls.counted:
        raise UserError("strace saw not one call of it")
    return calls, size_bytes


def _wait_until_attached(strace: subprocess.Popen[bytes], processes: int) -> None:
    assert strace.stderr is not None
    until_s, said = time.monotonic() + ATTACH_TIMEOUT_S, b""
    while said.count(b" attached") < processes:
        ready, _, _ = select.select([strace.stderr], [], [], max(0.0, until_s - time.monotonic()))
        piece = os.read(strace.stderr.fileno(), 4096) if ready else b""
        if not piece:
            last = (said.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
            raise UserError(f"strace may not trace it ({last}): run as root, or set sysctl kernel.yama.ptrace_scope=0")
        said += piece


def _detach(strace: subprocess.Popen[bytes]) -> None:
    """Raises UserError where it has to be killed, since what it saw last is lost then."""
    strace.terminate()  # it lets go of them; SIGINT is ignored in what a shell started in the background
    try:
        strace.communicate(timeout=ATTACH_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        strace.kill()  # and the kernel lets go of them, ptrace(2)
        strace.communicate()
        raise UserError(f"strace did not end within {ATTACH_TIMEOUT_S:g} s of being told to, and was killed") from error


def _download_some(place: Endpoint) -> int:
    """The first FILE_BYTES of the file, or all of it where no range is to be had; the bytes that arrived."""
    size_bytes = 0
    with get(place, DOWNLOAD_TIMEOUT_S, {"Range": f"bytes=0-{FILE_BYTES - 1}"}) as answer:
        while piece := answer.read(1 << 20):
            size_bytes += len(piece)
    if not size_bytes:
        raise HTTPException("not one byte arrived")
    return size_bytes


def _lines(path: Path) -> list[str]:
    return path.read_text(errors="replace").splitlines()


def count_calls(lines: Iterable[str]) -> Calls:
    """What strace -ff -y wrote of all threads. A call that it left while it ran has no result, but was made."""
    counted: Counter[str] = Counter()
    read: Counter[str] = Counter()
    for line in lines:
        found = _CALL.match(line)
        if found is None:
            continue
        counted[found["name"]] += 1
        if found["name"] in _READS and found["path"]:
            read[found["path"]] += max(0, int(found["result"] or 0))
    return Calls(counted, max(read.values(), default=0))
