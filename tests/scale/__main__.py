"""make scale: what a campaign over many hosts costs; measured with few, predicted for many, then simulated with many.

Its rule: the prediction is a straight line through small simulations, and the large one says whether it holds. Exit
code 1 when the large one needs more than the bounds that the project sets itself.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from errors import EXIT_DONE, EXIT_FAILED, CommandParser, UserError, run_command
from load.process import raise_limit_on_files
from profiles.host.facts import host_facts
from tests.conftest import PROJECT
from tests.scale import real_agent
from tests.scale.agents import said_first, wire_bytes_so_far
from tests.scale.real_agent import RealAgent
from units import GIB, KIB, MIB, format_size

SMALL = ((20, 5), (80, 5), (20, 20))  # agents, workers
LARGE = (200, 50)
ASKED = (100, 50, 1000)  # hosts, workers, targets: what the table extrapolates to
MOST_CORES, MOST_BYTES, MOST_WIRE_BYTES_PER_S = 1.0, 500 * 10**6, 10 * KIB
CLOSE = 0.5  # a prediction this far off is said to be


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one simulation: the master's, and what the agents saw."""

    agents: int
    workers: int
    cores: float
    peak_bytes: float
    record_bytes_per_s: float
    wire_bytes_per_s: float


@dataclass(frozen=True, slots=True)
class Line:
    """A cost as base + per_agent · agents + per_worker · workers."""

    base: float
    per_agent: float
    per_worker: float

    def at(self, agents: int, workers: int) -> float:
        return self.base + self.per_agent * agents + self.per_worker * workers


def line(few: float, more_agents: float, more_workers: float) -> Line:
    """Through the costs of the three SMALL simulations."""
    (agents, workers), (many_agents, _), (_, many_workers) = SMALL
    per_agent = (more_agents - few) / (many_agents - agents)
    per_worker = (more_workers - few) / (many_workers - workers)
    return Line(few - per_agent * agents - per_worker * workers, per_agent, per_worker)


def main() -> int:
    parser = CommandParser(prog="make scale", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cells", type=int, default=5, help="of each simulation (default: %(default)s)")
    arguments = parser.parse_args()
    raise_limit_on_files()
    console = Console(width=None if os.isatty(1) else 120, highlight=False)
    with tempfile.TemporaryDirectory(prefix="zero-copy-bench-") as name:
        folder = Path(name)
        console.print("one real agent, its servers idle", style="dim")
        (folder / "root").mkdir()
        agent = real_agent.watch(folder / "root")
        costs = []
        for number, (agents, workers) in enumerate((*SMALL, LARGE)):
            console.print(f"simulated: {agents} agents, {workers} workers", style="dim")
            costs.append(simulate(folder / str(number), agents, workers, arguments.cells))
    return _print(console, costs, agent)


def simulate(folder: Path, agents: int, workers: int, cells: int) -> Cost:
    """One master in a process of its own. Raises UserError when it fails."""
    pretended = [sys.executable, "-m", "tests.scale.agents", str(agents)]
    with subprocess.Popen(pretended, cwd=PROJECT, stdin=-1, stdout=-1, text=True) as process:
        ports = ",".join(map(str, said_first(process)))
        command = [sys.executable, "-m", "tests.scale.master", str(folder), str(cells), str(workers), ports]
        done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            process.kill()
            raise UserError(f"simulating {agents} agents and {workers} workers failed; what was said stands above")
        told = json.loads(done.stdout)
        wire_bytes = wire_bytes_so_far(process) * told["cells"] / (told["cells"] + 1)
        process.kill()
    wall_s = told["wall_s"]
    return Cost(
        agents,
        workers,
        told["cpu_s"] / wall_s,
        told["peak_bytes"],
        told["record_bytes"] / wall_s / agents,
        wire_bytes / wall_s / agents,
    )


def _print(console: Console, costs: list[Cost], agent: RealAgent) -> int:
    *small, large = costs
    cores, peak = line(*(cost.cores for cost in small)), line(*(cost.peak_bytes for cost in small))
    console.print(_simulated(costs, cores, peak))
    console.print(_each(large, agent, cores, peak))
    console.print(_limits(large, cores, peak))
    facts = host_facts()
    console.print(f"on {facts['cpu_model']}, {facts['cpus']} CPUs, {facts['kernel']}", markup=False)
    bounds = {
        f"master {large.cores:.2f} cores (bound {MOST_CORES:g})": large.cores <= MOST_CORES,
        f"master {large.peak_bytes / 1e6:.0f} MB (bound {MOST_BYTES / 1e6:.0f})": large.peak_bytes <= MOST_BYTES,
        f"campaign {_kib(large.wire_bytes_per_s)} per agent (bound {_kib(MOST_WIRE_BYTES_PER_S)})": (
            large.wire_bytes_per_s <= MOST_WIRE_BYTES_PER_S
        ),
        f"page {_kib(agent.wire_bytes_per_s)} per agent (bound {_kib(MOST_WIRE_BYTES_PER_S)})": (
            agent.wire_bytes_per_s <= MOST_WIRE_BYTES_PER_S
        ),
    }
    for text, held in bounds.items():
        console.print(f"{'within' if held else 'above'}: {text}", markup=False)
    return EXIT_DONE if all(bounds.values()) else EXIT_FAILED


def _simulated(costs: list[Cost], cores: Line, peak: Line) -> Table:
    table = Table("agents", "workers", "master's cores", "predicted", "master's memory", "predicted", title="Simulated")
    for cost in costs:
        large = (cost.agents, cost.workers) == LARGE
        predicted = (cores.at(*LARGE), peak.at(*LARGE))
        table.add_row(
            f"{cost.agents}",
            f"{cost.workers}",
            f"{cost.cores:.3f}",
            f"{predicted[0]:.3f}{_off(predicted[0], cost.cores)}" if large else "",
            f"{cost.peak_bytes / 1e6:.0f} MB",
            f"{predicted[1] / 1e6:.0f} MB{_off(predicted[1], cost.peak_bytes)}" if large else "",
        )
    return table


def _off(predicted: float, seen: float) -> str:
    return " (does not hold)" if abs(predicted / seen - 1) > CLOSE else ""


def _each(large: Cost, agent: RealAgent, cores: Line, peak: Line) -> Table:
    hosts, workers, targets = ASKED
    one, many = sorted(agent.cores)
    per_target = max(0.0, agent.cores[many] - agent.cores[one]) / (many - one)
    table = Table("", "each", f"{hosts} hosts, {workers} workers, {targets:,} targets", title="What each costs")
    for name, each, together in (
        ("master's cores, per host", f"{cores.per_agent:.5f}", f"{cores.at(hosts, workers):.3f}"),
        ("master's cores, per worker", f"{cores.per_worker:.5f}", ""),
        (
            "master's memory, per host",
            f"{peak.per_agent / MIB:.2f} MiB",
            f"{peak.at(hosts, workers) / MIB:.0f} MiB",
        ),
        ("master's memory, per worker", f"{peak.per_worker / MIB:.2f} MiB", ""),
        (
            "network, per host in a campaign",
            _kib(large.wire_bytes_per_s),
            _kib(hosts * large.wire_bytes_per_s),
        ),
        ("network, per host on a page", _kib(agent.wire_bytes_per_s), _kib(hosts * agent.wire_bytes_per_s)),
        (
            "records, per host and hour",
            format_size(3600 * large.record_bytes_per_s),
            format_size(3600 * hosts * large.record_bytes_per_s),
        ),
        ("agent's cores, with one target", f"{agent.cores[one]:.4f}", ""),
        (
            "agent's cores, per standing target",
            f"{per_target:.5f}",
            f"{targets / hosts * per_target:.4f} on each host",
        ),
        ("agent's memory", format_size(agent.rss_bytes), ""),
        ("facts, per target and campaign", f"{agent.facts_bytes:.0f} B", format_size(targets * agent.facts_bytes)),
    ):
        table.add_row(name, each, together)
    return table


def _limits(large: Cost, cores: Line, peak: Line) -> Table:
    """How many hosts until something is full, the first limit first."""
    workers = ASKED[1]
    room = {
        "one core of the master": (MOST_CORES - cores.at(0, workers)) / cores.per_agent,
        "500 MB of the master's memory": (MOST_BYTES - peak.at(0, workers)) / peak.per_agent,
        "1 Gbit/s at the master": 1e9 / 8 / large.wire_bytes_per_s,
        "1 GiB of records in an hour": GIB / (3600 * large.record_bytes_per_s),
    }
    table = Table("full", f"at so many hosts, with {workers} workers", title="The first limit first")
    for name, hosts in sorted(room.items(), key=lambda item: item[1] if item[1] > 0 else float("inf")):
        table.add_row(name, f"{hosts:,.0f}" if hosts > 0 else "not seen to grow")
    return table


def _kib(bytes_per_s: float) -> str:
    return f"{bytes_per_s / KIB:.1f} KiB/s"


if __name__ == "__main__":
    run_command(main)
