"""What the whole machine did meanwhile: its CPU time, and what may disturb a measurement.

Its rule: numbers of the machine have no target; they are counters, and None is "unknown".
"""

import psutil

from profiles import cgroup
from profiles.metrics import Values, read_small


def read_machine() -> Values:
    """CPU seconds of the whole machine, summed over its cores (/proc/stat, ticks of 10 ms); and what may disturb."""
    times = psutil.cpu_times()
    swap = psutil.swap_memory()
    return {
        "swapped_bytes": float(swap.sin + swap.sout),
        "tcp_retransmits": _tcp_retransmits(),
        "throttled_s": cgroup.throttled_s(),
        "user_s": times.user + times.nice,
        "system_s": times.system + times.irq + times.softirq,
        "idle_s": times.idle,
        "iowait_s": times.iowait,
        "steal_s": times.steal,
    }


def _tcp_retransmits() -> float | None:
    """Segments that were sent again, of the whole network namespace (/proc/net/snmp, RFC 4022)."""
    lines = [line.split() for line in read_small("/proc/net/snmp").splitlines() if line.startswith(b"Tcp:")]
    return float(dict(zip(*lines, strict=True))[b"RetransSegs"]) if len(lines) == 2 else None
