"""Counters of the whole machine: its CPU time, and what may disturb a measurement. None is "unknown"."""

import re
from functools import cache
from mmap import PAGESIZE

import psutil

from profiles.metrics import cgroup
from profiles.metrics.own_readings import cpu_s, number_after, read_small
from profiles.metrics.process import Values

_KERNEL_THREAD = re.compile(r"ksoftirqd/\d+$|kworker/\d+:\d+H")


def read_machine() -> Values:
    """CPU seconds summed over the cores, in ticks of 10 ms; the rest is what may disturb."""
    times = psutil.cpu_times()
    return {
        "swapped_bytes": _swapped_bytes(),
        "tcp_retransmits": _tcp_retransmits(),
        "throttled_s": cgroup.throttled_s(),
        "ksoftirqd_s": _spent_s("ksoftirqd/"),
        "kblockd_s": _spent_s("kworker/"),
        "user_s": times.user + times.nice,
        "system_s": times.system + times.irq + times.softirq,
        "idle_s": times.idle,
        "iowait_s": times.iowait,
        "steal_s": times.steal,
    }


@cache
def kernel_threads() -> dict[str, int]:
    """PIDs by name of the kernel threads that do a server's work: "ksoftirqd/0", network work of CPU 0; "kworker/0:1H",
    urgent work of CPU 0, which is mostly the disk's, queued for kblockd (block/blk-core.c).

    Empty in a container, which does not see them.
    """
    named = ((thread.info["name"] or "", thread.pid) for thread in psutil.process_iter(["name"]))
    found = ((_KERNEL_THREAD.match(name), pid) for name, pid in named)
    return {match[0]: pid for match, pid in found if match}


def _spent_s(kind: str) -> float | None:
    """CPU seconds of all kernel threads whose names begin so; None where they cannot be seen, or once one is gone: a
    kworker ends after minutes without work, and a sum over the others could not be compared with the one before."""
    pids = [pid for name, pid in kernel_threads().items() if name.startswith(kind)]
    try:
        return sum(map(cpu_s, pids)) if pids else None
    except ProcessLookupError:
        return None


def _swapped_bytes() -> float | None:
    """In and out since the machine started, by /proc/vmstat; None where the kernel does not count it.

    psutil.swap_memory() parses /proc/meminfo too, which costs a third of a tick of the sampler.
    """
    text = read_small("/proc/vmstat")
    if b"\npswpin " not in text:
        return None
    return float((number_after(b"\npswpin ", text) + number_after(b"\npswpout ", text)) * PAGESIZE)


def _tcp_retransmits() -> float | None:
    """Segments retransmitted in the whole network namespace (/proc/net/snmp, RFC 4022); psutil does not read them."""
    lines = [line.split() for line in read_small("/proc/net/snmp").splitlines() if line.startswith(b"Tcp:")]
    return float(dict(zip(*lines, strict=True))[b"RetransSegs"]) if len(lines) == 2 else None
