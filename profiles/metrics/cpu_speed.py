"""How fast the servers' CPUs are just now: a fixed loop, run while no server does.

Its rule: it counts the CPU time of its own thread, so that waiting for a turn does not lengthen it. Steal says when a
hypervisor gave the CPU to others; that a neighbour on the core's other hardware thread, or a lower clock, made it slow
is billed to whoever ran, and no counter of a guest tells. On a rented machine with next to no steal the loop took up to
1.5 times its least, in spells of seconds, and so did a server's CPU time per GiB.
"""

import contextlib
import os
import time

STEPS = 20_000
TRIES = 3


def cpu_probe_us(cpus: tuple[int, ...]) -> float:
    """CPU time of the loop on these CPUs, on any where there are none: the least of TRIES, 1 ms together, in µs."""
    before = os.sched_getaffinity(0)
    with contextlib.suppress(OSError):  # refused, or offline: then on any
        os.sched_setaffinity(0, cpus or before)
    try:
        return min(_once_ns() for _ in range(TRIES)) / 1e3
    finally:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, before)


def _once_ns() -> int:
    began_ns = time.thread_time_ns()
    sum(range(STEPS))
    return time.thread_time_ns() - began_ns
