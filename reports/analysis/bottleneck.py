"""What was full while a cell ran: the client, the server, or neither. Pure.

Its rule: throughput is the ceiling of whatever was full, so it is the server's only where the server was full. A full
client beside a server with headroom makes throughput a lower bound; CPU per GiB holds (docs/method.md §6).
"""

import statistics
from collections.abc import Sequence

from profiles.store.records import Cell, Probe, Run

FULL_SHARE = 0.85
GAIN = 0.05  # with a larger gain from doubled users, the load had been too small


def cores(cell: Cell, role: str) -> float | None:
    """How many cores "server" or "client" kept busy during the window, or the slices."""
    user, system = cell.metrics.get(f"{role}_user_s"), cell.metrics.get(f"{role}_system_s")
    return None if user is None or system is None or cell.wall_s <= 0 else (user + system) / cell.wall_s


def server_full(run: Run) -> float:
    """Busy cores from which on the server counts as full: 85 % of the CPUs that it may use."""
    return _full(run, "server_cpus")


def client_full(run: Run) -> float:
    """The same for the load, each process of which is one thread."""
    return _full(run, "load_cpus")


def _full(run: Run, fact: str) -> float:
    return FULL_SHARE * cpus(run, fact)


def cpus(run: Run, fact: str) -> float:
    """How many CPUs "server_cpus" or "load_cpus" may use; 1 where it is not on record."""
    known = run.host.get(fact)
    return known if isinstance(known, int | float) and known >= 1 else 1


def client_limited(cell: Cell, run: Run) -> bool:
    """The client's cores are full while the server has headroom."""
    client, server = cores(cell, "client"), cores(cell, "server")
    return client is not None and server is not None and client >= client_full(run) and server < server_full(run)


def mostly_client_limited(cells: Sequence[Cell], run: Run) -> bool:
    return 2 * sum(client_limited(cell, run) for cell in cells) > len(cells)


def rate(cells: Sequence[Cell]) -> float | None:
    """The median throughput, GiB/s."""
    known = [found for cell in cells if (found := cell.metrics.get("gib_per_s")) is not None]
    return statistics.median(known) if known else None


def probed(probe: Probe, scored: Sequence[Cell], run: Run) -> str:
    """What a cell with doubled users says about the limit, beside the scored cells of the same mode."""
    before, after = rate(scored), probe.cell.metrics.get("gib_per_s")
    server, client = cores(probe.cell, "server"), cores(probe.cell, "client")
    if before is None or before <= 0 or after is None or server is None or client is None:
        return f"with {probe.users} users: unknown, since throughput or CPU is not on record"
    gain = after / before - 1
    numbers = f"with {probe.users} users: {100 * gain:+.0f} % GiB/s (server {server:.2f}, client {client:.2f} cores)"
    if gain > GAIN:
        few = "1 user was" if run.users == 1 else f"{run.users} users were"
        return f"{numbers}: {few} too few to reach the limit"
    if server >= server_full(run):
        return f"{numbers}: the server was the limit"
    if client >= client_full(run):
        return f"{numbers}: the client was the limit, not the server"
    return f"{numbers}: neither was full, so the limit is elsewhere"
