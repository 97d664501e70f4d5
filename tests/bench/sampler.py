"""What the sampler costs with a server of every mode running and one of them loaded: the agent's CPU time per second.

Its rule: it samples all of them and this process, at its own cadence; a campaign never has so many at once. The median
of several windows is judged.
"""

import itertools
import os
import statistics
import subprocess
import time

from errors import UserError
from load.agent.local import LocalAgent
from profiles.protocol import Snapshot, Start
from profiles.targets.catalog import discover
from tests.bench.contests import Outcome
from tests.bench.field import Field

SAMPLED_S, WINDOWS = 6.0, 5
BOUND = 0.005


def outcome(field: Field) -> Outcome:
    snapshots, targets = _sampled(field)
    shares = [_share(first, last) for first, last in itertools.pairwise(snapshots)]
    share = statistics.median(shares)
    text = f"sampler: {share:.2%} of a core with {targets} targets, one of them loaded (bound: {BOUND:.2%}); "
    text += f"{min(shares):.2%} to {max(shares):.2%} in {WINDOWS} windows of {SAMPLED_S:g} s"
    return Outcome(sentences=[text], verdicts={"sampler": "within" if share <= BOUND else "above"})


def _share(first: Snapshot, last: Snapshot) -> float:
    """The sampler's share of a core between two snapshots."""
    before_s, after_s = (seen.processes["sampler"]["cpu_s"] for seen in (first, last))
    assert before_s is not None and after_s is not None
    return (after_s - before_s) / (last.monotonic_s - first.monotonic_s)


def _sampled(field: Field) -> tuple[list[Snapshot], int]:
    """At the edges of the windows, and how many targets were sampled."""
    field.make_file(field.large_bytes)
    host = LocalAgent(field.folder)
    try:
        ports = {mode: host.start(Start(mode, any_port=True)).port for mode in discover()}
        host.watch("load", os.getpid())
        command = field.load_command(ports["sendfile"], field.large_bytes, WINDOWS * SAMPLED_S + 2)
        load = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            snapshots = [host.snapshot()]
            for _ in range(WINDOWS):
                time.sleep(SAMPLED_S)
                snapshots.append(host.snapshot())
        finally:
            load.wait()
        if load.returncode:
            raise UserError("the load beside the sampler failed; what it said stands above")
        return snapshots, len(ports)
    finally:
        host.close()
