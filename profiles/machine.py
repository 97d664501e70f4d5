"""What the whole machine did meanwhile: its CPU time, and what may disturb a measurement.

Its rule: numbers of the machine have no target; they are counters, and None is "unknown".
"""

import mmap
from functools import cache

import psutil

from profiles import cgroup
from profiles.metrics import Values, cpu_s, read_small


def read_machine() -> Values:
    """CPU seconds of the whole machine, summed over its cores (/proc/stat, ticks of 10 ms); and what may disturb."""
    times = psutil.cpu_times()
    return {
        "swapped_bytes": _swapped_bytes(),
        "tcp_retransmits": _tcp_retransmits(),
        "throttled_s": cgroup.throttled_s(),
        "ksoftirqd_s": _ksoftirqd_s(),
        "user_s": times.user + times.nice,
        "system_s": times.system + times.irq + times.softirq,
        "idle_s": times.idle,
        "iowait_s": times.iowait,
        "steal_s": times.steal,
    }


@cache
def ksoftirqd() -> dict[str, int]:
    """The kernel's threads that take over where there is too much network work: PIDs by name, "ksoftirqd/0" for CPU 0.

    Empty in a container, which does not see them.
    """
    named = psutil.process_iter(["name"])
    return {thread.info["name"]: thread.pid for thread in named if (thread.info["name"] or "").startswith("ksoftirqd/")}


def _ksoftirqd_s() -> float | None:
    """CPU seconds of all of them; None where they cannot be seen, or one has gone."""
    try:
        return sum(map(cpu_s, ksoftirqd().values())) if ksoftirqd() else None
    except ProcessLookupError:
        return None


def _swapped_bytes() -> float | None:
    """In and out since the machine started (/proc/vmstat, in pages); psutil.swap_memory() reads more for it."""
    counted = dict(line.split() for line in read_small("/proc/vmstat").splitlines() if line.startswith(b"pswp"))
    pages = [int(counted[name]) for name in (b"pswpin", b"pswpout") if name in counted]
    return float(sum(pages) * mmap.PAGESIZE) if len(pages) == 2 else None


def _tcp_retransmits() -> float | None:
    """Segments that were sent again, of the whole network namespace (/proc/net/snmp, RFC 4022)."""
    lines = [line.split() for line in read_small("/proc/net/snmp").splitlines() if line.startswith(b"Tcp:")]
    return float(dict(zip(*lines, strict=True))[b"RetransSegs"]) if len(lines) == 2 else None
