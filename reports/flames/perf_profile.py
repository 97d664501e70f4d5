"""perf's profile of a mode: stacks in CPU milliseconds per GiB, and the functions that differ between two modes.

Its rule: a sample stands for 1/rate_hz seconds of CPU time, divided by the bytes received while perf sampled. A
difference below three standard errors, or skid, is never given as a reason.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from errors import UserError
from profiles.store.records import Cell, DeepProfile
from reports.flames.copy_tax import Stack, is_skid
from reports.flames.tree import self_time
from units import GIB

DEEPEST = 250  # frames of a stack; perf records half as many (sysctl kernel.perf_event_max_stack)
ERRORS = 3.0
WORTH_A_WORD = 0.05  # of the cost of the more expensive mode
MOST_REASONS = 3


@dataclass(frozen=True, slots=True)
class PerfProfile:
    """stacks: in CPU ms/GiB. samples: their number. ms_per_sample: CPU ms/GiB that one stands for."""

    profile: DeepProfile
    cell: Cell
    stacks: Mapping[Stack, float]
    samples: int
    ms_per_sample: float

    @property
    def total_ms(self) -> float:
        """CPU ms/GiB of the whole server."""
        return self.samples * self.ms_per_sample

    @property
    def error_ms(self) -> float:
        """One standard error of total_ms: √n of n samples."""
        return math.sqrt(self.samples) * self.ms_per_sample


def from_folded(profile: DeepProfile, folded: str) -> PerfProfile | None:
    """From folded stacks; None if nothing was sampled or served. Raises UserError for malformed text."""
    cell = profile.cell
    if cell is None or profile.rate_hz <= 0 or cell.wall_s <= 0:
        return None
    gib = cell.received_bytes * profile.counted_s / cell.wall_s / GIB
    counts = _cut(read_folded(profile.folded or "", folded))
    if gib <= 0 or not counts:
        return None
    ms_per_sample = 1e3 / profile.rate_hz / gib
    stacks = {stack: count * ms_per_sample for stack, count in counts.items()}
    return PerfProfile(profile, cell, stacks, sum(counts.values()), ms_per_sample)


def read_folded(name: str, text: str) -> dict[Stack, int]:
    """Sample counts by stack, perf's or py-spy's. name: the file's. Raises UserError for malformed text.

    Empty stacks are skipped: py-spy, which does not stop its target, sometimes catches one being built.
    """
    counts: dict[Stack, int] = {}
    for line in text.splitlines():
        stack, space, count = line.rpartition(" ")
        if not space or not (count.isascii() and count.isdigit()):
            raise UserError(f"{name}: {line[:60]!r} is not a folded stack; restore the file, or remove it")
        if stack:
            frames = tuple(stack.split(";"))
            counts[frames] = counts.get(frames, 0) + int(count)
    return counts


def _cut(counts: Mapping[Stack, int]) -> dict[Stack, int]:
    """Cut at a depth that can be drawn."""
    found: dict[Stack, int] = {}
    for stack, count in counts.items():
        found[stack[:DEEPEST]] = found.get(stack[:DEEPEST], 0) + count
    return found


class Sampled(Protocol):
    """Costs by stack that come from samples."""

    @property
    def stacks(self) -> Mapping[Stack, float]: ...
    @property
    def ms_per_sample(self) -> float: ...
    @property
    def total_ms(self) -> float: ...


def differing(ours: Sampled, theirs: Sampled) -> list[tuple[str, float]]:
    """Functions whose self time clearly differs, with ours minus theirs in ms/GiB; largest difference first."""
    least_ms = WORTH_A_WORD * max(ours.total_ms, theirs.total_ms)
    our_own, their_own = self_time(ours.stacks), self_time(theirs.stacks)
    found = []
    for name in our_own.keys() | their_own.keys():
        our_ms, their_ms = our_own.get(name, 0.0), their_own.get(name, 0.0)
        error_ms = math.sqrt(our_ms * ours.ms_per_sample + their_ms * theirs.ms_per_sample)  # of a count n: √n
        if abs(our_ms - their_ms) >= max(least_ms, ERRORS * error_ms) and not is_skid(name):
            found.append((name, our_ms - their_ms))
    return sorted(found, key=lambda item: (-abs(item[1]), item[0]))


def reasons(ours: PerfProfile, theirs: PerfProfile) -> str | None:
    """−0.21 s/GiB in _copy_to_iter, −0.09 in _copy_from_iter; None if no function clearly differs."""
    told = [f"{signed(delta_ms / 1e3)} in {name}" for name, delta_ms in differing(ours, theirs)[:MOST_REASONS]]
    return ", ".join(told).replace(" in ", " s/GiB in ", 1) or None


def signed(value: float) -> str:
    """+0.21, −0.095: two digits, as precise as samples are."""
    places = max(0, 1 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{'+' if value >= 0 else '−'}{abs(value):,.{places}f}"
