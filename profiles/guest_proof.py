"""What a guest really does, as far as that can be known from outside it. Outside any timing (method.md §1).

Its rule: what nobody can see is said to be unknown. Nobody drew a model of a guest, so nothing contradicts its name but
wrong bytes. What is told, and how it is known:

- its bytes: one whole download, by length and sha256;
- the mutation witness (profiles/trial.py), where it serves a file that is new in the folder which we gave it: once all
  of it stands in our receive buffer it is overwritten in place; new bytes mean that pages went by reference;
- system calls by name, of all its processes, by strace; and with them the bytes that it read() from a file, each a copy
  by the CPU. /proc/PID/io would not tell: a write() to a socket counts there as one to a file does.
"""

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path

from errors import UserError
from profiles.asking import Place, asked, download
from profiles.guest_server import GuestServer, serving
from profiles.protocol import Start
from profiles.records import SERVED_PATH, Proof
from profiles.scratch import Scratch
from profiles.targets import Target
from profiles.trial import FILE_BYTES, WITNESS_BYTES
from units import GIB

DOWNLOAD_TIMEOUT_S = 60.0
ATTACH_TIMEOUT_S = 10.0
WITNESS_TIMEOUT_S = 3.0
_STEP_S = 0.005
_LONGEST_NAME = 80
_READS = ("read", "pread64", "readv", "preadv", "preadv2")
_CALL = re.compile(r"^(?P<name>\w+)\((?:\d+<(?P<path>/[^>]*)>)?(?:.*= (?P<result>-?\d+))?")


@dataclass(frozen=True, slots=True)
class Calls:
    """counted: system calls by name. read_bytes: of the file that was read most from."""

    counted: Counter[str]
    read_bytes: int


def prove_guest(target: Target, root: Path, expected: tuple[int, str]) -> Proof:
    """Start it, or find it, and look at it. expected: size and sha256 of what it should send.

    Raises UserError where it does not get ready.
    """
    with serving(target, root, Start(target.name, any_port=True)) as server:
        return _looked_at(target, server, root, expected)


def _looked_at(target: Target, server: GuestServer, root: Path, expected: tuple[int, str]) -> Proof:
    facts = target.facts
    place = Place(server.host, server.port, facts.path, facts.tls is not None)
    try:
        body = download(place, DOWNLOAD_TIMEOUT_S)
    except (OSError, HTTPException) as error:
        said = f"{place}: {error or type(error).__name__}"
        return Proof(facts.name, "missing", None, reason=f"it did not send all that it announced: {said}")
    proof = Proof(facts.name, "available", None, software=body.server[:_LONGEST_NAME] or None)
    if (body.size_bytes, body.sha256) != expected:
        proof = replace(proof, wrong=(f"all {body.size_bytes:,} bytes, where {expected[0]:,} others were expected",))
        return replace(proof, state="degraded", reason=proof.contradiction)
    unknown = []
    try:
        proof = replace(proof, by_reference_share=_witness(place, root, facts.sha256 is None))
    except UserError as error:
        unknown.append(f"whether bytes go by reference ({error})")
    try:
        calls, size_bytes = _traced(server.pids, place)
        per_gib = {call: count * GIB / size_bytes for call, count in calls.counted.most_common()}
        proof = replace(proof, calls_per_gib=per_gib, read_copies=calls.read_bytes / size_bytes)
        if "io_uring_enter" in calls.counted:
            proof = replace(proof, read_copies=None)
            unknown.append("how it reads (io_uring hides that from strace)")
    except UserError as error:
        proof = replace(proof, calls_reason=str(error))
        unknown.append(f"how it reads ({error})")
    return replace(proof, unknown="; ".join(unknown) or None)


def _witness(place: Place, root: Path, is_ours: bool) -> float:
    """The share of bytes that were overwritten after they had been sent, and arrived as the new ones.

    Raises UserError where that cannot be tried, or proves nothing.
    """
    if not is_ours or not place.path.endswith(SERVED_PATH):
        raise UserError("it sends a file that is not ours to change")
    if place.tls:
        raise UserError("over TLS all bytes are new ones")
    path = root / f"trial-{os.getpid()}.bin"
    try:
        _write(path, b"\x11")
        with socket.create_connection((place.host, place.port), WITNESS_TIMEOUT_S) as sock:
            asked_for = place.path.removesuffix(SERVED_PATH) + f"/{path.name}"
            sock.sendall(f"GET {asked_for} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            head_bytes = _wait_for_all(sock)
            with path.open("r+b") as file:
                file.write(b"\x22" * WITNESS_BYTES)
            sock.recv(head_bytes, socket.MSG_WAITALL)
            arrived = sock.recv(WITNESS_BYTES, socket.MSG_WAITALL)
    except OSError as error:
        raise UserError(f"it could not be tried: {error.strerror or error}") from error
    finally:
        path.unlink(missing_ok=True)
    if arrived.count(b"\x11") + arrived.count(b"\x22") != WITNESS_BYTES:
        raise UserError("what arrived was neither the old nor the new bytes")
    return arrived.count(b"\x22") / WITNESS_BYTES


def _write(path: Path, byte: bytes) -> None:
    with path.open("wb") as file:
        file.write(byte * WITNESS_BYTES)
        os.fsync(file.fileno())


def _wait_for_all(sock: socket.socket) -> int:
    """Until the whole answer stands in the receive buffer, unread; the bytes of its head. Raises UserError."""
    until_s = time.monotonic() + WITNESS_TIMEOUT_S
    while time.monotonic() < until_s:
        select.select([sock], [], [], WITNESS_TIMEOUT_S)
        queued = sock.recv(2 * WITNESS_BYTES, socket.MSG_PEEK)
        head, end, body = queued.partition(b"\r\n\r\n")
        if end and b" 200 " not in head[:16]:
            raise UserError(f"it does not serve a file that is new in its folder: {head[:16].decode('latin-1')}")
        if len(body) >= WITNESS_BYTES:
            return len(head) + len(end)
        time.sleep(_STEP_S)
    raise UserError("a small file did not arrive in one piece")


def _traced(pids: tuple[int, ...], place: Place) -> tuple[Calls, int]:
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
    strace.send_signal(signal.SIGINT)  # it lets go of them
    try:
        strace.communicate(timeout=ATTACH_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        strace.kill()  # and the kernel lets go of them, ptrace(2)
        strace.communicate()
        raise UserError(f"strace did not end within {ATTACH_TIMEOUT_S:g} s of being told to, and was killed") from error


def _download_some(place: Place) -> int:
    """The first FILE_BYTES of the file, or all of it where no range is to be had; the bytes that arrived."""
    size_bytes = 0
    with asked(place, DOWNLOAD_TIMEOUT_S, {"Range": f"bytes=0-{FILE_BYTES - 1}"}) as answer:
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
