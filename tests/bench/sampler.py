"""What the sampler costs while a server is loaded: the agent's CPU time per second, as in a campaign.

Its rule: it samples a loaded server and this process, at its own cadence.
"""

import os
import subprocess
import time

from load.server_host import ServerHost
from profiles.protocol import Start
from tests.bench.contests import Outcome, Readings
from tests.bench.sides import Field

SAMPLED_S = 6.0
BOUND = 0.005


def outcome(field: Field, _: Readings) -> Outcome:
    share = _share(field)
    text = f"sampler: {share:.2%} of a core while a server is loaded (bound: {BOUND:.2%})"
    return Outcome(sentences=[text], verdicts={"sampler": "within" if share <= BOUND else "above"})


def _share(field: Field) -> float:
    field.make_file(field.large_bytes)
    host = ServerHost(field.folder)
    try:
        port = host.start(Start("sendfile", any_port=True)).port
        host.watch("load", os.getpid())
        command = field.load_command(port, field.large_bytes, SAMPLED_S + 2)
        load = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            first = host.snapshot()
            time.sleep(SAMPLED_S)
            last = host.snapshot()
        finally:
            load.wait()
        spent_s = (last.processes["sampler"]["cpu_s"] or 0) - (first.processes["sampler"]["cpu_s"] or 0)
        return spent_s / (last.monotonic_s - first.monotonic_s)
    finally:
        host.close()
