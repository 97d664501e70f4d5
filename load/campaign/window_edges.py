"""The boundaries of a window, over all processes that its users are in.

Its rule: every process's counts are read just before and just after the agent's snapshot and interpolated to its
moment, so that a cell over many workers is the exact sum over each of them.
"""

from collections.abc import Sequence
from dataclasses import replace

from load.agent.client import AgentClient, TimedSnapshot
from load.campaign.cell import Values, WindowBoundary, interpolate_count
from load.users.meter import Meter
from load.workers.recruit import UserPool
from load.workers.user_pool import Mark, Received, read_meter
from profiles.protocol import LOAD


def boundary(agent: AgentClient, pool: UserPool, mark: Mark) -> WindowBoundary:
    """Raises PeerLostError where the agent or a worker does not answer."""
    before = pool.counts()
    reading = agent.read()
    return interpolate_boundary(before, reading, pool.counts(mark))


def local_boundaries(agent: AgentClient, meters: Sequence[Meter]) -> list[WindowBoundary]:
    """One reading of the agent, and a boundary for each of these meters of this process. Raises UserError."""
    before = [read_meter(meter) for meter in meters]
    reading = agent.read()
    after = [read_meter(meter) for meter in meters]
    return [interpolate_boundary([first], reading, [last]) for first, last in zip(before, after, strict=True)]


def interpolate_boundary(before: list[Received], reading: TimedSnapshot, after: list[Received]) -> WindowBoundary:
    """The boundary at the moment of a reading, from the counts of every process just before and just after it."""
    pairs = list(zip(before, after, strict=True))
    moment_s, processes = reading.moment_s, dict(reading.snapshot.processes)
    if LOAD in processes:
        processes[LOAD] = _with_workers(processes[LOAD], pairs, moment_s)
    return WindowBoundary(
        replace(reading.snapshot, processes=processes),
        moment_s,
        reading.uncertainty_s + max(last.uncertainty_s for _, last in pairs),
        sum(_between(moment_s, pair, pair[0].received_bytes, pair[1].received_bytes) for pair in pairs),
        sum(_between(moment_s, pair, pair[0].downloads, pair[1].downloads) for pair in pairs),
    )


def _between(moment_s: float, pair: tuple[Received, Received], first: float, last: float) -> float:
    return interpolate_count(moment_s, (pair[0].moment_s, first), (pair[1].moment_s, last))


def _with_workers(own: Values, pairs: list[tuple[Received, Received]], moment_s: float) -> Values:
    values = dict(own)
    for name in pairs[0][0].cpu:
        workers = sum(_between(moment_s, pair, pair[0].cpu[name], pair[1].cpu[name]) for pair in pairs)
        master = own.get(name)
        values[name] = None if master is None else master + workers
    return values
