"""What one real agent costs, with one and with all modes standing, and what it sends to a page that watches it.

Its rule: the servers stand idle, so that what is measured is the agent, its sampler and its answers.
"""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from load.agent.options import AgentOptions
from load.agent.remote import RemoteAgent
from profiles.agent.access import Address
from profiles.metrics.own_readings import cpu_s
from profiles.protocol import Start
from servers import payload
from tests.conftest import PROJECT
from tests.scale.agents import TOKEN, said_first, wire_bytes_so_far
from tests.scale.observer import Observer

WATCHED_S = 10.0
EVERY_S = 1.0  # as the page asks for samples and statuses
FILE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class RealAgent:
    """cores: by how many targets stood. wire_bytes_per_s: to a page, with all of them. facts_bytes: for each target."""

    cores: dict[int, float]
    wire_bytes_per_s: float
    rss_bytes: int
    facts_bytes: float


def watch(root: Path) -> RealAgent:
    """Takes about half a minute. Raises UserError where a server does not start."""
    payload.make(root, FILE_BYTES, lambda _: None)
    command = [sys.executable, "-m", "tests.scale.counted_agent", str(root)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=-1, stdout=-1, text=True) as process:
        port = said_first(process)
        host = RemoteAgent(AgentOptions(Address("127.0.0.1", port), TOKEN, None), Observer())
        try:
            targets = host.facts().targets
            one, _ = _watched(host, process, [targets[0].name])
            rest = [target.name for target in targets[1:] if target.tls is None]
            all_of_them, wire_bytes_per_s = _watched(host, process, rest)
            rss_bytes = psutil.Process(process.pid).memory_info().rss
        finally:
            host.close()
            process.terminate()
    facts_bytes = len(msgspec.json.encode(targets)) / len(targets)
    return RealAgent({1: one, 1 + len(rest): all_of_them}, wire_bytes_per_s, rss_bytes, facts_bytes)


def _watched(host: RemoteAgent, process: "subprocess.Popen[str]", names: list[str]) -> tuple[float, float]:
    """While a page watched, with these servers beside those that stood: the cores that the agent kept busy, and what it
    sent and received per second."""
    for name in names:
        host.start(Start(name, any_port=True))
    seen, before = host.newest_sample(), wire_bytes_so_far(process)
    before_s, began_s = cpu_s(process.pid), time.monotonic()
    while time.monotonic() - began_s < WATCHED_S:
        seen = host.samples(seen).last
        host.statuses()
        time.sleep(EVERY_S)
    wall_s = time.monotonic() - began_s
    return (cpu_s(process.pid) - before_s) / wall_s, (wire_bytes_so_far(process) - before) / wall_s
