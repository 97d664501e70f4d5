"""How fast the servers' CPUs are: CPU time of a fixed loop, run while no server is loaded.

Its rule: it counts the CPU time of its own thread, so that waiting for the CPU does not lengthen it. Steal time says
when a hypervisor gave the CPU to others. No counter of a virtual machine says that a neighbour on the core's other
hardware thread, or a lower clock, made it slow: on a rented machine with next to no steal the loop took up to 1.5 times
its minimum, for seconds at a time, and so did a server's CPU time per GiB.
"""

import contextlib
import os
import time

STEPS = 20_000
TRIES = 3


def cpu_probe_us(cpus: tuple[int, ...]) -> float:
    """CPU time of the loop in µs, on these CPUs or, if empty, on any: the minimum of TRIES, which take 1 ms."""
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
