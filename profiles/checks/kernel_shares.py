"""In which of the kernel's functions an external server spends its CPU time during downloads, as perf samples it.

It tells apart what a system call's name leaves open, and what io_uring hides from strace.
"""

import time
from collections import Counter
from http.client import HTTPException

from errors import UserError
from profiles.checks.strace import download_some
from profiles.profilers.folded_stacks import KERNEL, read_folded
from profiles.profilers.perf import Perf
from profiles.protocol import Recording
from profiles.store.sending import KERNEL_MARKS
from profiles.targets.http_probe import Endpoint

SECONDS = 1.0
TIMEOUT_S = 30.0
LEAST_SAMPLES = 30  # so that a function with a tenth of the time is missed once in 20
_STEP_S = 0.02


def kernel_shares(pids: tuple[int, ...], endpoint: Endpoint, file_bytes: int) -> dict[str, float]:
    """The share of samples below each of KERNEL_MARKS, 0 to 1. Raises UserError where perf cannot tell."""
    recording = _recorded(Perf(pids), endpoint, file_bytes)
    if recording.state == "failed":
        raise UserError(recording.reason)
    stacks = read_folded(recording.raw)
    if stacks.total() < LEAST_SAMPLES:
        raise UserError(f"perf took only {stacks.total()} samples of it")
    found = Counter({name: sum(n for frames, n in stacks.items() if name + KERNEL in frames) for name in KERNEL_MARKS})
    return {name: count / stacks.total() for name, count in found.most_common()}


def _recorded(perf: Perf, endpoint: Endpoint, file_bytes: int) -> Recording:
    """What perf saw during downloads; done or failed, perf has ended itself. Raises UserError."""
    try:
        perf.begin(SECONDS, "")
        until_s = time.monotonic() + SECONDS
        while (left_s := until_s - time.monotonic()) > 0:
            download_some(endpoint, file_bytes, left_s)
        while (recording := perf.result()).state == "recording":
            if time.monotonic() > until_s + TIMEOUT_S:
                raise UserError(f"perf did not end within {TIMEOUT_S:g} s")
            time.sleep(_STEP_S)
        return recording
    except BaseException as error:
        perf.kill()
        if isinstance(error, OSError | HTTPException):
            raise UserError(f"no download under perf: {error or type(error).__name__}") from error
        raise
