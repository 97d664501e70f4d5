"""System calls by name during one download, by strace: of a mode in its trial, or of an external server from outside.

A call is counted as it was made, whatever came of it. Of an external server's bytes only those that it read() from a
file are known to have gone through the CPU; /proc/PID/io would not tell, as it counts a write() to a socket like one to
a file.
"""

import contextlib
import http.client
import os
import re
import select
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from errors import UserError
from profiles.checks.trial import FILE_BYTES, MARKS
from profiles.scratch import Scratch
from profiles.store.proof import SENDING
from profiles.targets import raw_probe
from profiles.targets.http_probe import DOWNLOAD_TIMEOUT_S, Endpoint, get
from units import GIB

ATTACH_TIMEOUT_S = 10.0
MOST_WHOLE_BYTES = 64 << 20
RETURN_TIMEOUT_S = 0.5
_STEP_S = 0.01
_WRITES = ("write", "writev", "pwrite64")
_FORKS = ("fork", "vfork", "clone", "clone3")
_DEVICES = ("/dev/null", "/dev/zero")
_READS = ("read", "pread64", "readv", "preadv", "preadv2")
_RECEIVES = (*_READS, "recvfrom", "recvmsg", "recvmmsg", "splice")
_SOCKET = "<socket:["  # as strace -y names one
_FROM_SOCKET = re.compile(rf"\w+\(\d+{re.escape(_SOCKET)}")
_MAPPED = re.compile(r"\d+<(/[^>]*)>")
_CALL = re.compile(r"^(?P<name>\w+)\((?:\d+<(?P<path>/[^>]*)>)?(?:.*= (?P<result>-?\d+))?")


@dataclass(frozen=True, slots=True)
class Calls:
    """counted: system calls by name. read_bytes: of the file that was read most; reads: the same by call; pieces: how
    many of these calls got something. sent: bytes that went into sockets, by call; received_bytes: that came out of
    them. mapped: the files that were mapped into memory. wrote_files: whether it wrote to any. forked: whether it
    started a process."""

    counted: Counter[str]
    read_bytes: int
    reads: Counter[str] = field(default_factory=Counter)
    pieces: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    received_bytes: int = 0
    mapped: frozenset[str] = frozenset()
    wrote_files: bool = False
    forked: bool = False

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
    sent: Counter[str] = Counter()
    read: dict[str, Counter[str]] = {}
    pieces: dict[str, Counter[str]] = {}
    mapped: set[str] = set()
    wrote_files, received_bytes, forked = False, 0, False
    for line in lines:
        if found := _CALL.match(line):
            name, moved = found["name"], max(0, int(found["result"] or 0))
            counted[name] += 1
            if name in _READS and found["path"]:
                read.setdefault(found["path"], Counter())[name] += moved
                pieces.setdefault(found["path"], Counter())[name] += moved > 0
            elif name in _RECEIVES and _FROM_SOCKET.match(line):
                received_bytes += moved
            elif name in SENDING and _SOCKET in line:
                sent[name] += moved
            elif name in _WRITES and found["path"]:
                wrote_files |= not found["path"].startswith(_DEVICES)
            elif name in _FORKS:
                forked |= "CLONE_THREAD" not in line
            elif name == "mmap" and (file := _MAPPED.search(line)):
                mapped.add(file[1])
    most = max(read, key=lambda path: read[path].total(), default="")
    reads, of_it = read.get(most, Counter()), pieces.get(most, Counter())
    return Calls(counted, reads.total(), reads, of_it, sent, received_bytes, frozenset(mapped), wrote_files, forked)


def trace_download(pids: tuple[int, ...], endpoint: Endpoint, file_bytes: int) -> tuple[Calls, int]:
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
            size_bytes = download_some(endpoint, file_bytes)
            _wait_until_seen(log, size_bytes)
        except (OSError, http.client.HTTPException) as error:
            raise UserError(f"no download under strace: {error or type(error).__name__}") from error
        finally:
            _detach(strace)
        calls = _counted(log)
    if not size_bytes:
        raise UserError("no byte arrived under strace")
    if not calls.counted:
        raise UserError("strace saw none of its calls")
    return calls, size_bytes


def _counted(log: Path) -> Calls:
    return count_calls(line for thread in read_logs(log) for line in thread)


def _wait_until_seen(log: Path, size_bytes: int) -> None:
    """The last bytes arrive before the call that sent them returns. What io_uring sends is never seen."""
    until_s = time.monotonic() + RETURN_TIMEOUT_S
    while _counted(log).sent.total() < size_bytes and time.monotonic() < until_s:
        time.sleep(_STEP_S)


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


def download_some(endpoint: Endpoint, file_bytes: int, within_s: float = DOWNLOAD_TIMEOUT_S) -> int:
    """Download the file, as much as comes in time; of a long one the first bytes, where the server has ranges: it may
    send a range in another way. Of a raw server always all of it (raw_probe.py says why). How many bytes arrived.

    file_bytes: its size; more than MOST_WHOLE_BYTES are not asked for.
    """
    if endpoint.protocol == "raw":
        return sum(map(len, raw_probe.pieces(endpoint, DOWNLOAD_TIMEOUT_S)))
    size_bytes, until_s = 0, time.monotonic() + within_s
    long = file_bytes > MOST_WHOLE_BYTES
    with get(endpoint, DOWNLOAD_TIMEOUT_S, {"Range": f"bytes=0-{FILE_BYTES - 1}"} if long else {}) as response:
        if response.status not in (http.client.OK, http.client.PARTIAL_CONTENT):
            raise http.client.HTTPException(f"status {response.status}")
        while time.monotonic() < until_s and (piece := response.read1(1 << 20)):
            size_bytes += len(piece)
    return size_bytes
