"""What a server process holds: descriptors, threads, memory."""

from dataclasses import dataclass

import psutil

from tests.conftest import eventually


@dataclass(frozen=True, slots=True)
class Footprint:
    descriptors: int
    threads: int
    resident_bytes: int


def of(pid: int) -> Footprint:
    process = psutil.Process(pid)
    with process.oneshot():
        return Footprint(process.num_fds(), process.num_threads(), process.memory_info().rss)


def back_to(pid: int, before: Footprint, slack_bytes: int) -> Footprint:
    """What it holds once descriptors and threads are as before; fails if they never are, or memory grew by more."""
    eventually(lambda: _counts(of(pid)) == _counts(before))
    now = of(pid)
    assert now.resident_bytes - before.resident_bytes <= slack_bytes, (before, now)
    return now


def _counts(footprint: Footprint) -> tuple[int, int]:
    return footprint.descriptors, footprint.threads
