"""What a mode really does, on this machine: capability, copies, system calls. Outside any timing (method.md §1).

Its rule: nothing is asserted. A mode that does not run is missing for a reason, and one whose measured copies are not
the model's contradicts its name.
"""

import contextlib
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from errors import UserError
from profiles.checks.prove_external import prove_guest
from profiles.checks.trial import FILE_BYTES, MARKS
from profiles.host.facts import file_facts
from profiles.scratch import Scratch
from profiles.store.records import SERVED_FILE, Proof
from profiles.targets.catalog import PROJECT, Target
from units import GIB

TIMEOUT_S = 60.0
_ADVICE = {
    errno.ENOSYS: "this kernel does not have it: a newer one, or one that is built with it, does",
    errno.EPERM: "it is not permitted: a sandbox or a sysctl forbids it (for io_uring kernel.io_uring_disabled)",
    errno.EACCES: "it is not permitted here: run as another user, or lift the restriction",
    errno.EOPNOTSUPP: "the file system or the socket does not support it: serve from another file system",
    errno.EINVAL: "the kernel refuses the arguments: an older kernel, or a file system that does not support it",
    errno.ENOENT: "the kernel lacks a module: load it as root (for kTLS `modprobe tls`), or boot a kernel that has it",
    errno.ENOMEM: "no memory, or the limit on locked memory is reached: raise it with `ulimit -l`",
}
_CALL = re.compile(r"^(\d+)\s+(\w+)\(")


def prove(target: Target, folder: Path) -> Proof:
    """Try a target's mode. folder: where a file of some MiB may be written, on the file system that matters."""
    if target.guest is not None:
        try:
            return prove_guest(target, folder, _expected(target, folder))
        except UserError as error:
            return Proof(target.name, "missing", None, reason=str(error))
    place = folder if os.access(folder, os.W_OK) else Path(tempfile.gettempdir())
    model = target.facts.cpu_copies
    with ThreadPoolExecutor(1) as beside:
        counting = beside.submit(_system_calls, target.name, place)
        done = _run(_trial(target.name, place))
    calls, why_none = counting.result()
    if isinstance(done, str):
        return Proof(target.name, "missing", model, reason=done)
    told = json.loads(done)
    if "errno" in told:
        advice = _ADVICE.get(told["errno"], "see the manual page of its system call")
        name = errno.errorcode.get(told["errno"] or 0, "error")
        return Proof(target.name, "missing", model, reason=f"{told['error']} ({name}); {advice}")
    total, copied = told.get("completions", (None, None))
    proof = Proof(
        mode=target.name,
        state="available",
        model_copies=model,
        model_read_copies=target.facts.cpu_copies_of_reading,
        read_copies=told["read_copies"],
        by_reference_share=told["new_share"],
        completions=total,
        copied_completions=copied,
        calls_per_gib=calls,
        calls_reason=why_none,
        wrong=tuple(told["wrong"]),
    )
    contradiction = proof.contradiction
    return proof if contradiction is None else replace(proof, state="degraded", reason=contradiction)


def _expected(target: Target, folder: Path) -> tuple[int, str]:
    """Size and sha256 of what a guest should send: of the served file, where targets.toml does not say otherwise.

    Raises UserError where there is no file to send.
    """
    if target.facts.size_bytes is not None and target.facts.sha256 is not None:
        return target.facts.size_bytes, target.facts.sha256
    file = file_facts(folder / SERVED_FILE)
    return file.size_bytes, file.sha256


def _trial(name: str, place: Path) -> list[str]:
    return [sys.executable, "-m", "profiles.checks.trial", name, str(place)]


def _run(command: list[str]) -> str | bytes:
    """What the trial printed, as bytes; or, as text, why it printed nothing."""
    try:
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"its trial was not over after {TIMEOUT_S:.0f} s"
    if done.returncode < 0:
        return f"its trial died of {signal.Signals(-done.returncode).name}"
    if done.returncode or not done.stdout:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        return f"its trial failed: {lines[-1] if lines else f'exit code {done.returncode}'}"
    return done.stdout


def _system_calls(name: str, place: Path) -> tuple[dict[str, float] | None, str | None]:
    """System calls of the sending thread per GiB, by name, from one download under strace; or why they are unknown."""
    if shutil.which("strace") is None:
        return None, "strace is not installed"
    with contextlib.closing(Scratch()) as scratch:
        log = scratch.path / "calls"
        traced = ["strace", "-f", "-s", "0", "-e", "signal=none", "-o", str(log), *_trial(name, place), "--marked"]
        done = _run(traced)
        if isinstance(done, str):
            return None, done
        counted = count_calls(log.read_text(errors="replace"))
    if counted is None:
        return None, "strace saw no mark: it may not be permitted to trace"
    return {call: count * GIB / FILE_BYTES for call, count in counted.most_common()}, None


def count_calls(log: str) -> Counter[str] | None:
    """The calls between the two marks, of the thread that set them; None where the marks are not there."""
    counted: Counter[str] = Counter()
    thread: str | None = None
    for line in log.splitlines():
        match = _CALL.match(line)
        if match is None or thread not in (None, match[1]):
            continue
        if MARKS[1] in line:
            return counted
        if MARKS[0] in line:
            thread = match[1]
        elif thread is not None:
            counted[match[2]] += 1
    return None
