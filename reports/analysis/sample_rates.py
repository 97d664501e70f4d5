"""Samples → rates over time. Pure.

Its rule: samples are cumulative, so a rate is the difference of two samples of one process. Where there are too many,
or they lie too close together for the clock behind them, whole samples are left out: the rate between the two that
remain is the true mean of the longer interval, and nothing is smoothed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from profiles.store.records import Sample

Counters = tuple[str, ...]
CPU: tuple[Counters, ...] = (("cpu_s",), ("user_s", "system_s"))  # the CPU clock where it was read, else ticks
SWITCHES: tuple[Counters, ...] = (("voluntary_switches", "involuntary_switches"),)


@dataclass(frozen=True, slots=True)
class Rate:
    """The mean rate of a process between two samples."""

    process: str
    pid: int
    start_s: float
    end_s: float
    per_s: float


def rates(
    samples: tuple[Sample, ...], choices: tuple[Counters, ...], *, every: int = 1, shortest_s: float = 0.0
) -> Iterator[Rate]:
    """One Rate per interval: of the first choice whose counters are all known at both ends, none where none is."""
    ordered = sorted(samples, key=lambda sample: (sample.process, sample.pid, sample.t_s))
    for (process, pid), group in groupby(ordered, key=lambda sample: (sample.process, sample.pid)):
        apart = _apart(list(group), shortest_s)
        for before, after in pairwise(apart[:-1:every] + apart[-1:]):
            added = next((sum_ for names in choices if (sum_ := _added(before, after, names)) is not None), None)
            if added is not None and after.t_s > before.t_s:
                yield Rate(process, pid, before.t_s, after.t_s, added / (after.t_s - before.t_s))


def _apart(samples: list[Sample], shortest_s: float) -> list[Sample]:
    """First and last stay; between them, none lies closer than shortest_s to the one before it or to the last."""
    kept = samples[:1]
    for sample in samples[1:-1]:
        if min(sample.t_s - kept[-1].t_s, samples[-1].t_s - sample.t_s) >= shortest_s:
            kept.append(sample)
    return kept + samples[1:][-1:]


def _added(before: Sample, after: Sample, names: Counters) -> float | None:
    """None where a counter is unknown, or went backwards."""
    total = 0.0
    for name in names:
        old, new = before.values.get(name), after.values.get(name)
        if old is None or new is None or new < old:
            return None
        total += new - old
    return total
