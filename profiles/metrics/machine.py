"""What the whole machine did meanwhile: its CPU time, and what may disturb a measurement.

Its rule: numbers of the machine have no target; they are counters, and None is "unknown".
"""

import mmap
import re
from functools import cache

import psutil

from profiles.metrics import cgroup
from profiles.metrics.process import Values, cpu_s, read_small

_KERNEL_THREAD = re.compile(r"ksoftirqd/\d+$|kworker/\d+:\d+H")


def read_machine() -> Values:
    """CPU seconds of the whole machine, summed over its cores (/proc/stat, ticks of 10 ms); and what may disturb."""
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
    """PIDs by name of the kernel's threads that do a server's work where it cannot itself: "ksoftirqd/0", network work
    of CPU 0; "kworker/0:1H", urgent work of CPU 0, which is mostly the disk's, queued for kblockd (block/blk-core.c).

    Empty in a container, which does not see them.
    """
    named = ((thread.info["name"] or "", thread.pid) for thread in psutil.process_iter(["name"]))
    found = ((_KERNEL_THREAD.match(name), pid) for name, pid in named)
    return {match[0]: pid for match, pid in found if match}


def _spent_s(kind: str) -> float | None:
    """CPU seconds of all kernel threads whose names begin so; None where they cannot be seen, or once one has gone: a
    kworker ends when it has had nothing to do for minutes, and a sum over others would be no difference to before."""
    pids = [pid for name, pid in kernel_threads().items() if name.startswith(kind)]
    try:
        return sum(map(cpu_s, pids)) if pids else None
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
