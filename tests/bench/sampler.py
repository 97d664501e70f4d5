"""What the sampler costs with a server of every mode running and one of them loaded: the agent's CPU time per second.

Its rule: it samples all of them and this process, at its own cadence; a campaign never has so many at once.
"""

import os
import subprocess
import time

from errors import UserError
from load.server_host import ServerHost
from profiles.protocol import Start
from profiles.targets import discover
from tests.bench.contests import Outcome, Readings
from tests.bench.sides import Field

SAMPLED_S = 6.0
BOUND = 0.005


def outcome(field: Field, _: Readings) -> Outcome:
    share, targets = _share(field)
    text = f"sampler: {share:.2%} of a core with {targets} targets, one of them loaded (bound: {BOUND:.2%})"
    return Outcome(sentences=[text], verdicts={"sampler": "within" if share <= BOUND else "above"})


def _share(field: Field) -> tuple[float, int]:
    """Of a core, and how many targets were sampled."""
    field.make_file(field.large_bytes)
    host = ServerHost(field.folder)
    try:
        ports = {mode: host.start(Start(mode, any_port=True)).port for mode in discover()}
        host.watch("load", os.getpid())
        command = field.load_command(ports["sendfile"], field.large_bytes, SAMPLED_S + 2)
        load = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            first = host.snapshot()
            time.sleep(SAMPLED_S)
            last = host.snapshot()
        finally:
            load.wait()
        if load.returncode:
            raise UserError("the load beside the sampler failed; what it said stands above")
        before_s, after_s = (seen.processes["sampler"]["cpu_s"] for seen in (first, last))
        assert before_s is not None and after_s is not None
        spent_s = after_s - before_s
        return spent_s / (last.monotonic_s - first.monotonic_s), len(ports)
    finally:
        host.close()
