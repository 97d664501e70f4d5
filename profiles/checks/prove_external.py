"""What an external server really does, as far as that can be seen from outside. Never timed (docs/method.md §1).

What cannot be seen is reported as unknown. There is no model of an external server's copies, so only wrong bytes
contradict its name. How each is known:

- its bytes: one whole download, by length and sha256;
- the mutation witness (profiles/checks/trial.py), where it serves a new file in the folder that we gave it: once the
  whole body waits in our receive buffer, the file is overwritten in place; new bytes went by reference;
- system calls by name, what each read from the file, a copy by the CPU, and sent (profiles/checks/strace.py);
- the kernel's functions that its CPU time is spent in (profiles/checks/kernel_shares.py).

What follows from all of it is one sentence (profiles/store/sending.py).
"""

import os
import select
import socket
import time
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import Any

from errors import UserError
from profiles.checks.kernel_shares import kernel_shares
from profiles.checks.strace import Calls, trace_download
from profiles.checks.trial import WITNESS_BYTES, write
from profiles.host.facts import file_facts
from profiles.metrics.process_tree import ignores_its_children
from profiles.protocol import Start
from profiles.store.proof import Proof
from profiles.store.run_facts import SERVED_FILE, SERVED_PATH
from profiles.store.sending import BY_REFERENCE, way
from profiles.targets.catalog import Target
from profiles.targets.external_server import ExternalServer, serving
from profiles.targets.http_probe import DOWNLOAD_TIMEOUT_S, Endpoint, get
from profiles.targets.probe import download

WITNESS_TIMEOUT_S = 3.0
_STEP_S = 0.005
_OLD, _NEW = b"\x11", b"\x12"  # neither stands in a head, nor between chunks
_UNCOUNTED = "it starts a process for each connection and ignores SIGCHLD, so that the kernel drops their CPU time"
_FORWARDS = "a proxy answers: {:.0%} of the bytes came to it through a socket (strace)"


def prove_external(target: Target, root: Path) -> Proof:
    """Start the server, or find it, and look at what it sends."""
    try:
        expected = _expected(target, root)
        with serving(target, root, Start(target.name, any_port=True)) as server:
            return _prove(target, server, root, expected)
    except UserError as error:
        return Proof(target.name, "missing", None, reason=str(error))


def _expected(target: Target, root: Path) -> tuple[int, str]:
    """Size and sha256 of what it should send: of the served file, unless targets.toml gives them. Raises UserError."""
    if target.facts.size_bytes is not None and target.facts.sha256 is not None:
        return target.facts.size_bytes, target.facts.sha256
    file = file_facts(root / SERVED_FILE)
    return file.size_bytes, file.sha256


def _prove(target: Target, server: ExternalServer, root: Path, expected: tuple[int, str]) -> Proof:
    facts = target.facts
    endpoint = Endpoint(server.host, server.port, facts.path, facts.tls is not None, facts.protocol)
    try:
        body = download(endpoint, DOWNLOAD_TIMEOUT_S)
    except (OSError, HTTPException) as error:
        reason = f"it did not send all that it announced: {endpoint}: {error or type(error).__name__}"
        return Proof(facts.name, "missing", None, reason=reason)
    proof = Proof(facts.name, "available", None, software=body.server or None)
    proof = replace(proof, keeps_alive=body.keeps_alive)
    if body.page is not None and body.size_bytes != expected[0]:
        reason = f"{endpoint}: it sends a page ({body.page!r}) and not the file: correct path, or the folder it serves"
        return replace(proof, state="missing", reason=reason)
    if (body.size_bytes, body.sha256) != expected:
        proof = replace(proof, wrong=(f"all {body.size_bytes:,} bytes, where {expected[0]:,} others were expected",))
        return replace(proof, state="degraded", reason=proof.contradiction)
    unknown, notes = [], [f"a proxy answers ({body.proxy}), and this is what it does with the bytes"] * bool(body.proxy)
    notes += ["its answer is chunked (RFC 9112 section 7.1)"] * body.is_chunked
    notes += ["TLS in its process encrypts every byte into a buffer"] * (facts.tls == "user")
    try:
        share, keeps = _witness(endpoint, root, facts.sha256 is None)
        proof = replace(proof, by_reference_share=share)
        notes += ["it keeps files in memory: it sent the old bytes of one that had been overwritten"] * keeps
    except UserError as error:
        unknown.append(f"whether bytes go by reference ({error})")
    forks = not body.keeps_alive  # for each download it may, until strace says
    try:
        # a process that started after it was ready may be the one that sends
        calls, size_bytes = trace_download(server.current_pids(), endpoint, body.size_bytes)
        forks = calls.forked
        proof = replace(proof, **_seen(calls, size_bytes, endpoint))
        if _is_hidden(proof):
            proof = replace(proof, read_copies=None)
            unknown.append("how it reads (io_uring hides that from strace)")
        notes += [_FORWARDS.format(calls.received_bytes / size_bytes)] * (calls.received_bytes > size_bytes / 2)
    except UserError as error:
        proof = replace(proof, calls_reason=str(error))
        unknown.append(f"how it reads ({error})")
    if forks and any(map(ignores_its_children, server.current_pids())):
        proof = replace(proof, uncounted=_UNCOUNTED)
    try:
        proof = replace(proof, kernel_shares=kernel_shares(server.current_pids(), endpoint, body.size_bytes))
    except UserError as error:
        proof = replace(proof, kernel_reason=str(error))
    return replace(proof, unknown="; ".join(unknown) or None, notes=tuple(notes))


def _seen(calls: Calls, size_bytes: int, endpoint: Endpoint) -> dict[str, Any]:
    """What strace saw of a download of so many bytes, as the proof has it."""
    name = PurePosixPath(endpoint.path.partition("?")[0]).name if endpoint.protocol == "http" else None
    read_by = next((call for call, _ in calls.reads.most_common(1) if calls.read_bytes), None)
    return {
        "calls_per_gib": calls.per_gib(size_bytes),
        "read_copies": calls.read_bytes / size_bytes,
        "traced_bytes": size_bytes,
        "read_by": read_by,
        "read_piece_bytes": read_by and calls.reads[read_by] / calls.pieces[read_by],
        "sent_by": {call: sent / size_bytes for call, sent in calls.sent.most_common() if sent},
        "logs": calls.wrote_files,
        "is_mapped": any(name in (None, PurePosixPath(path).name) for path in calls.mapped),
    }


def _is_hidden(proof: Proof) -> bool:
    """Whether a ring may have read what no call did. Servers with epoll in a ring (libuv) read and send by calls."""
    return "io_uring_enter" in (proof.calls_per_gib or {}) and way(proof) not in ("read", *BY_REFERENCE)


def _witness(endpoint: Endpoint, root: Path, is_ours: bool) -> tuple[float, bool]:
    """The share of bytes that were overwritten after they had been sent, and arrived as the new ones; and whether
    another request gets the old ones still. Raises UserError where that cannot be tried, or proves nothing."""
    if endpoint.protocol == "raw":
        raise UserError("a raw server sends one file, and no other that could be overwritten")
    if not is_ours or not endpoint.path.endswith(SERVED_PATH):
        raise UserError("it sends a file that is not ours to change")
    if endpoint.tls:
        raise UserError("over TLS all bytes are new ones")
    path = root / f"trial-{os.getpid()}.bin"
    url_path = f"{endpoint.path.removesuffix(SERVED_PATH)}/{path.name}"
    try:
        write(path, _OLD * WITNESS_BYTES)
        with socket.create_connection((endpoint.host, endpoint.port), WITNESS_TIMEOUT_S) as sock:
            sock.sendall(f"GET {url_path} HTTP/1.1\r\nHost: {endpoint.authority}\r\nConnection: close\r\n\r\n".encode())
            queued_bytes = _wait_for_body(sock)
            with path.open("r+b") as file:
                file.write(_NEW * WITNESS_BYTES)
            arrived = sock.recv(queued_bytes, socket.MSG_WAITALL)
        with get(replace(endpoint, path=url_path)) as response:  # of the same Host, which a cache keeps apart
            keeps = response.read() == _OLD * WITNESS_BYTES
    except (OSError, HTTPException) as error:
        raise UserError(f"it could not be tried: {error or type(error).__name__}") from error
    finally:
        path.unlink(missing_ok=True)
    if arrived.count(_OLD) + arrived.count(_NEW) != WITNESS_BYTES:
        raise UserError("what arrived was neither the old nor the new bytes")
    return arrived.count(_NEW) / WITNESS_BYTES, keeps


def _wait_for_body(sock: socket.socket) -> int:
    """Wait until the whole body is in the receive buffer; how many bytes are, with its head. Raises UserError."""
    until_s = time.monotonic() + WITNESS_TIMEOUT_S
    while time.monotonic() < until_s:
        select.select([sock], [], [], WITNESS_TIMEOUT_S)
        queued = sock.recv(2 * WITNESS_BYTES, socket.MSG_PEEK)
        head, end, body = queued.partition(b"\r\n\r\n")
        if end and b" 200 " not in head[:16]:
            raise UserError(f"it does not serve a new file in its folder: {head[:16].decode('latin-1')}")
        if body.count(_OLD) >= WITNESS_BYTES:
            return len(queued)
        time.sleep(_STEP_S)
    raise UserError("a small file did not arrive in one piece")
