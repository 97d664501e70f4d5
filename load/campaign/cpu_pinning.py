"""Which CPUs the load and the servers run on: the load on the first, the servers on the others.

Its rule: the placement is chosen once, recorded, and the same for every mode. Where the scheduler puts server and
client affects CPU per byte more than many data paths do: of two equal C servers (read + send, 4 connections, 2 CPUs)
one cost up to 1.30 times the other in windows of 0.7 s unpinned, and up to 1.06 times pinned.
"""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Placement:
    """CPUs of the load and of the servers, both empty where nothing is pinned. text: for the record."""

    load_cpus: tuple[int, ...]
    server_cpus: tuple[int, ...]
    text: str


# Whoever started the workers decided where they run.
WORKERS_ELSEWHERE = Placement((), (), "none (the workers were started by hand)")


def choose(allowed: set[int], wanted: bool, workers: int = 0) -> Placement:
    """One allowed CPU for each process of the load, which is one thread (gevent), but at least one for the servers,
    which get all others."""
    if not wanted:
        return Placement((), (), "none (PIN=0)")
    if len(allowed) < 2:
        return Placement((), (), "none (only one CPU is allowed)")
    cpus, count = sorted(allowed), min(max(1, workers), len(allowed) - 1)
    load, servers = tuple(cpus[:count]), tuple(cpus[count:])
    text = f"load on CPU {', '.join(map(str, load))}, servers on CPU {', '.join(map(str, servers))}"
    return Placement(load, servers, text)


def pin_this_process(placement: Placement, servers_elsewhere: bool = False) -> Placement:
    """Move this process to the load's CPUs; the placement in force, which pins nothing where that is useless, since the
    servers are on another machine, or where the kernel refuses."""
    if servers_elsewhere:
        return Placement((), (), "none (load and servers have a machine each)")
    if not placement.load_cpus:
        return placement
    try:
        os.sched_setaffinity(0, placement.load_cpus)
    except OSError as error:
        return Placement((), (), f"none (refused: {error.strerror})")
    return placement
