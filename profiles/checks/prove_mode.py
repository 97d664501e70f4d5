"""What a mode really does on this machine: capability, copies, system calls. Never timed (docs/method.md §1).

A mode that cannot run is missing for a reason; one whose trial was cut short, or met with an error that passes, failed;
one whose measured copies are not its model's contradicts its name.
"""

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from errors import remedy
from interpreter import PYTHON
from profiles.checks.prove_external import prove_external
from profiles.checks.strace import between_marks, count_calls, read_logs, strace_command
from profiles.checks.trial import FILE_BYTES
from profiles.scratch import Scratch
from profiles.store.proof import Proof
from profiles.targets.catalog import PROJECT, Target

TIMEOUT_S = 60.0
_ADVICE = {
    errno.ENOSYS: "this kernel does not have it: use a newer one, or one that is built with it",
    errno.EPERM: "it is not permitted: a sandbox or a sysctl forbids it (for io_uring kernel.io_uring_disabled)",
    errno.EACCES: "it is not permitted here: run as another user, or lift the restriction",
    errno.EOPNOTSUPP: "the file system or the socket does not support it: serve from another file system",
    errno.EINVAL: "the kernel refuses the arguments: an older kernel, or a file system that does not support it",
    errno.ENOENT: "the kernel lacks a module: load it as root (for kTLS `modprobe tls`), or boot a kernel that has it",
    errno.ENOMEM: "no memory, or the limit on locked memory is reached: raise it with `ulimit -l`",
}
# Of a busy machine, and of a connection that broke: they say nothing about what the machine can do.
_PASSING = frozenset(
    {errno.EAGAIN, errno.EINTR, errno.EPIPE, errno.ECONNRESET, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE}
    | {errno.ENOSPC, errno.EDQUOT, errno.EIO}
)
_AGAIN = "try again"


def prove(target: Target, folder: Path, options: Mapping[str, int] | None = None, name: str = "") -> Proof:
    """Try a target with these options. folder: where a file of some MiB may be written, on the file system that is
    served from. name: that the proof bears; empty for the target's own. Raises UsageError for an unknown option."""
    given, folder = options or {}, folder.absolute()
    target.check(given)
    proof = _prove(target, folder, given) if target.external is None else prove_external(target, folder)
    return replace(proof, mode=name or target.name)


def _prove(target: Target, folder: Path, options: Mapping[str, int]) -> Proof:
    writable = folder if os.access(folder, os.W_OK) else Path(tempfile.gettempdir())
    trial = [*PYTHON, "-m", "profiles.checks.trial", target.name, str(writable)]
    trial += [f"{option}={size_bytes}" for option, size_bytes in options.items()]
    with ThreadPoolExecutor(1) as other:
        calls = other.submit(_system_calls, trial)
        printed = _run(trial)
    found: dict[str, Any] = {"error": printed} if isinstance(printed, str) else json.loads(printed)
    if "error" in found:
        state: Literal["missing", "failed"] = "missing" if _is_refusal(found) else "failed"
        reason = _why_missing(found) if state == "missing" else f"{found['error']}; {_AGAIN}"
        return Proof(target.name, state, target.facts.cpu_copies, reason=reason)
    calls_per_gib, calls_reason = calls.result()
    proof = Proof(
        mode=target.name,
        state="available",
        model_copies=target.facts.cpu_copies,
        model_read_copies=target.facts.cpu_copies_of_reading,
        calls_per_gib=calls_per_gib,
        calls_reason=calls_reason,
        **found | {"wrong": tuple(found["wrong"])},
    )
    contradiction = proof.contradiction
    return proof if contradiction is None else replace(proof, state="degraded", reason=contradiction)


def _is_refusal(found: dict[str, Any]) -> bool:
    """Whether this machine refused what the mode needs. errno: where the mode itself failed with one."""
    return found.get("errno") is not None and found["errno"] not in _PASSING


def _why_missing(found: dict[str, Any]) -> str:
    code = found["errno"]
    advice = _ADVICE.get(code) or remedy(OSError(code, ""), "see the manual page of its system call")
    return f"{found['error']} ({errno.errorcode.get(code, 'error')}); {advice}"


def _run(command: list[str]) -> str | bytes:
    """What the trial printed, as bytes; or, as text, why it printed nothing."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=PROJECT, stdout=pipe, stderr=pipe, start_new_session=True) as trial:
        try:
            printed, complaints = trial.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(trial.pid, signal.SIGKILL)  # strace alone would leave what it traces
            return f"its trial did not end within {TIMEOUT_S:.0f} s"
    if trial.returncode < 0:
        return f"its trial was killed by {signal.Signals(-trial.returncode).name}"
    if trial.returncode or not printed:
        lines = complaints.decode(errors="replace").strip().splitlines()
        return f"its trial failed: {lines[-1] if lines else f'exit code {trial.returncode}'}"
    return printed


def _system_calls(trial: list[str]) -> tuple[dict[str, float] | None, str | None]:
    """System calls of the sending thread per GiB, by name, of one download; or why they are unknown."""
    if shutil.which("strace") is None:
        return None, "strace is not installed"
    with contextlib.closing(Scratch()) as scratch:
        log = scratch.path / "calls"
        done = _run([*strace_command(log), *trial, "--marked"])
        if isinstance(done, str):
            return None, done
        marked = next((lines for thread in read_logs(log) if (lines := between_marks(thread)) is not None), None)
    if marked is None:
        return None, "strace saw no mark: it may not be permitted to trace"
    return count_calls(marked).per_gib(FILE_BYTES), None
