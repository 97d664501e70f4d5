"""Whether the process clock, of which the score is made, leaves out steal: tried with a busy process (method.md §6).

With CONFIG_PARAVIRT_TIME_ACCOUNTING the kernel subtracts what the hypervisor says was stolen from the clock by which a
task is charged (update_rq_clock_task(), kernel/sched/core.c). clock_getcpuclockid(3) reads that charge in nanoseconds,
also with CONFIG_VIRT_CPU_ACCOUNTING_GEN, which only divides it into user and system time. A configuration is no proof:

- The option is off unless chosen. The parameter no-steal-acc leaves steal in the process clock and shows it in
  /proc/stat (kernel-parameters.txt; x86, arm64, RISC-V, LoongArch, POWER), and so does a Xen that does not let a guest
  read the run states of its other CPUs (xen_time_setup_guest(), drivers/xen/time.c).
- The hypervisor must publish steal: KVM by MSR_KVM_STEAL_TIME (Documentation/virt/kvm/x86/msr.rst), on arm64 by
  PV_TIME_ST (virt/kvm/arm/pvtime.rst). Where it does not, steal is 0 for ever, and nothing can be told.
- Steal beyond the time since the clock's last update was subtracted later, perhaps from another task; newer kernels
  drop it ("sched: Don't try to catch up excess steal time", November 2024).
- CONFIG_IRQ_TIME_ACCOUNTING takes interrupts out of the same clock. They look like steal, and are allowed for.

The busy process is a child, so that its clock is read from outside, as a server's is. It needs the CPU for itself: with
another process beside it, 0.37 s were stolen in 8 s, and only 0.06 s were missing, as waiting had hidden the rest.
"""

import contextlib
import gzip
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

from errors import UsageError, UserError
from profiles.metrics.own_readings import cpu_s, read_small
from profiles.store.clock_check import TICK_S, ClockCheck, Spell

MOST_S = 10.0  # requests to the agent are handled one at a time
MOST_CPUS = 4  # all share one kernel
CONFIGURATIONS: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("/proc/config.gz", gzip.open),
    (f"/boot/config-{os.uname().release}", open),
)
RUNS_WITHIN_S = 1.0
_OPTION = "CONFIG_PARAVIRT_TIME_ACCOUNTING=y\n"
# It ends with whoever started it, who may be killed.
_BUSY = """\
import os, sys
print(flush=True)
while os.getppid() == int(sys.argv[1]):
    for _ in range(10_000):
        pass
"""


def check(cpus: tuple[int, ...], seconds: float) -> ClockCheck:
    """Keep these CPUs busy (the first few; empty: of those that are allowed) for so long, and see what goes missing."""
    if not 0 < seconds <= MOST_S:
        raise UsageError(f"the process clock can be checked for up to {MOST_S:g} s, not for {seconds:g} s")
    chosen = (cpus or tuple(sorted(os.sched_getaffinity(0))))[:MOST_CPUS]
    try:
        with contextlib.ExitStack() as stack:
            busy = [(cpu, stack.enter_context(_busy_process(cpu))) for cpu in chosen]
            before = [_totals(*each) for each in busy]
            time.sleep(seconds)
            spells = tuple(_since(then, _totals(*each)) for then, each in zip(before, busy, strict=True))
        return ClockCheck(spells, kernel_option())
    except UserError as error:
        return ClockCheck((), kernel_option(), str(error))


@contextlib.contextmanager
def _busy_process(cpu: int) -> Iterator[int]:
    """The PID of a process that is busy on this CPU."""
    command = [sys.executable, "-I", "-S", "-c", _BUSY, str(os.getpid())]
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=nowhere, stdout=subprocess.PIPE, stderr=nowhere) as process:
        try:
            os.sched_setaffinity(process.pid, {cpu})
            assert process.stdout is not None
            process.stdout.readline()
            yield process.pid
        except OSError as error:
            raise UserError(f"no busy process on CPU {cpu}: {error.strerror}") from error
        finally:
            process.kill()


def _totals(cpu: int, pid: int) -> Spell:
    """The counters so far, wall time since some fixed moment."""
    return Spell(cpu, *_clocks(pid), _waited_s(pid), *_cpu_times(cpu))


def _since(before: Spell, after: Spell) -> Spell:
    counters = zip(astuple(before)[1:], astuple(after)[1:], strict=True)
    return Spell(after.cpu, *(now - then for then, now in counters))


def _clocks(pid: int) -> tuple[float, float]:
    """Wall and CPU time of one moment at which the process runs: a wait is counted only once it is over."""
    deadline_s = time.monotonic() + RUNS_WITHIN_S
    then_s, used_then_s = time.monotonic(), cpu_s(pid)
    while then_s < deadline_s:
        time.sleep(0.001)
        now_s, used_s, after_s = time.monotonic(), cpu_s(pid), time.monotonic()
        if used_s - used_then_s > 0.9 * (after_s - then_s):
            return now_s, used_s
        then_s, used_then_s = now_s, used_s
    raise UserError("other processes kept the CPU from the busy one")


def _waited_s(pid: int) -> float:
    """Second field of schedstat (Documentation/scheduler/sched-stats.rst); all are 0 where nothing is counted."""
    try:
        _, waited_ns, turns = read_small(f"/proc/{pid}/schedstat").split()
    except FileNotFoundError as error:
        raise UserError("this kernel has no /proc/PID/schedstat") from error
    if turns == b"0":
        raise UserError("this kernel does not count the waiting in /proc/PID/schedstat")
    return int(waited_ns) / 1e9


def _cpu_times(cpu: int) -> tuple[float, float]:
    """Steal and interrupts of a CPU, in ticks (proc_stat(5)). psutil numbers the lines, and skips what is offline."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{cpu}":
            irq, softirq, steal = map(int, ticks[5:8])
            return steal * TICK_S, (irq + softirq) * TICK_S
    raise UserError(f"/proc/stat has no CPU {cpu}")


def kernel_option() -> bool | None:
    """Whether the kernel says that it can do it; None where it does not show its configuration."""
    for path, opened in CONFIGURATIONS:
        with contextlib.suppress(OSError), opened(path, "rt") as file:
            return _OPTION in file.read()
    return None
