"""What a guest really does, as far as that can be known from outside it. Outside any timing (method.md §1).

Its rule: what nobody can see is said to be unknown. Nobody drew a model of a guest, so nothing contradicts its name but
wrong bytes. What is told, and how it is known:

- its bytes: one whole download, by length and sha256;
- the mutation witness (profiles/checks/trial.py), where it serves a file that is new in the folder which we gave it: once all
  of it stands in our receive buffer it is overwritten in place; new bytes mean that pages went by reference;
- system calls by name, and with them the bytes that it read() from a file, each a copy by the CPU
  (profiles/checks/strace.py).
"""

import os
import select
import socket
import time
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path

from errors import UserError
from profiles.checks.strace import traced
from profiles.checks.trial import WITNESS_BYTES
from profiles.protocol import Start
from profiles.store.records import SERVED_PATH, Proof
from profiles.targets.catalog import Target
from profiles.targets.external_server import ExternalServer, serving
from profiles.targets.http_probe import DOWNLOAD_TIMEOUT_S, Endpoint, download
from units import GIB

WITNESS_TIMEOUT_S = 3.0
_STEP_S = 0.005
_LONGEST_NAME = 80


def prove_guest(target: Target, root: Path, expected: tuple[int, str]) -> Proof:
    """Start it, or find it, and look at it. expected: size and sha256 of what it should send.

    Raises UserError where it does not get ready.
    """
    with serving(target, root, Start(target.name, any_port=True)) as server:
        return _looked_at(target, server, root, expected)


def _looked_at(target: Target, server: ExternalServer, root: Path, expected: tuple[int, str]) -> Proof:
    facts = target.facts
    place = Endpoint(server.host, server.port, facts.path, facts.tls is not None)
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
        calls, size_bytes = traced(_processes(server), place)
        per_gib = {call: count * GIB / size_bytes for call, count in calls.counted.most_common()}
        proof = replace(proof, calls_per_gib=per_gib, read_copies=calls.read_bytes / size_bytes)
        if "io_uring_enter" in calls.counted:
            proof = replace(proof, read_copies=None)
            unknown.append("how it reads (io_uring hides that from strace)")
    except UserError as error:
        proof = replace(proof, calls_reason=str(error))
        unknown.append(f"how it reads ({error})")
    return replace(proof, unknown="; ".join(unknown) or None)


def _processes(server: ExternalServer) -> tuple[int, ...]:
    """All that there are now: one that was started since it was ready may be the one that sends. Raises UserError."""
    try:
        server.reader.read()
    except ProcessLookupError as error:
        raise UserError(f"it has ended: {server.last_stderr_line() or 'it left no words'}") from error
    return server.pids


def _witness(place: Endpoint, root: Path, is_ours: bool) -> float:
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
