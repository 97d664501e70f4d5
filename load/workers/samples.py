"""The load generator's samples over time, where its users are in workers of this machine.

Its rule: what an agent read in one pass, of the master and of all its workers, becomes one sample of the load. Nobody
samples a worker on another machine: it is missing here, but not in a cell, for which workers answer themselves.
"""

from collections.abc import Iterable, Iterator

from profiles.protocol import LOAD, TimedSample

WORKER = f"{LOAD}-worker-"


def merge_worker_samples(samples: Iterable[TimedSample]) -> Iterator[TimedSample]:
    """All samples; those of workers are added to the load's sample of the same moment."""
    found = list(samples)
    workers: dict[float, list[TimedSample]] = {}
    for sample in found:
        if sample.process.startswith(WORKER):
            workers.setdefault(sample.monotonic_s, []).append(sample)
    for sample in found:
        if sample.process == LOAD:
            yield _sum([sample, *workers.get(sample.monotonic_s, [])])
        elif not sample.process.startswith(WORKER):
            yield sample


def _sum(processes: list[TimedSample]) -> TimedSample:
    """pid: the highest, so that it changes when a worker is replaced and counters begin again."""
    own = processes[0]
    values: dict[str, float | None] = {}
    for name in own.values:
        known = [value for one in processes if (value := one.values.get(name)) is not None]
        values[name] = sum(known) if len(known) == len(processes) else None
    return TimedSample(own.monotonic_s, own.process, max(one.pid for one in processes), values)
