"""Who runs on which CPUs: the load on one, the servers on the others.

Its rule: placement is chosen once, said in the record, and the same for every mode. Where the scheduler happens to put
server and client decides more about CPU per byte than many a data path does: of two equal C servers (read + send,
4 connections, 2 CPUs) one cost up to 1.30 times the other in windows of 0.7 s unpinned, and up to 1.06 times pinned.
"""

import os
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Placement:
    """CPUs of the load and of the servers, both empty where nothing is pinned; text says it for the record."""

    load_cpus: tuple[int, ...]
    server_cpus: tuple[int, ...]
    text: str


def choose(allowed: set[int], wanted: bool, workers: int = 0) -> Placement:
    """The first allowed CPU for the load, which is one thread (gevent), or one for each of its workers as long as one
    is left; all the others for the servers."""
    if not wanted:
        return Placement((), (), "none (PIN=0)")
    if len(allowed) < 2:
        return Placement((), (), "none (only one CPU is allowed)")
    cpus, count = sorted(allowed), min(max(1, workers), len(allowed) - 1)
    load, servers = tuple(cpus[:count]), tuple(cpus[count:])
    text = f"load on CPU {', '.join(map(str, load))}, servers on CPU {', '.join(map(str, servers))}"
    return Placement(load, servers, text)


def of_workers_elsewhere() -> Placement:
    """Whoever started them decided where they run."""
    return Placement((), (), "none (the workers were started by hand)")


def between_machines(placement: Placement) -> Placement:
    """Neither is in the other's way."""
    return replace(placement, load_cpus=(), server_cpus=(), text="none (load and servers have a machine each)")


def pin_this_process(placement: Placement) -> Placement:
    """Move this process to the load's CPUs; the placement in force, which is none where the kernel refuses."""
    if not placement.load_cpus:
        return placement
    try:
        os.sched_setaffinity(0, placement.load_cpus)
    except OSError as error:
        return Placement((), (), f"none (refused: {error.strerror})")
    return placement
