"""Whether the CPU time of a process leaves out steal on a machine, decided from what was seen of a busy process.

What is missing is wall time less CPU time less waiting in the run queue. Where the kernel takes steal out of the
process clock, as much is missing as was stolen, or less where a part of it was hidden in the waiting; where it does
not, nothing is. A spell in which next to nothing was stolen, or in which what is missing fits both, tells nothing and
spoils nothing (method.md §6).
"""

from dataclasses import dataclass

TICK_S = 0.01  # of /proc/stat (USER_HZ), in which a CPU's steal is counted
FEWEST_TICKS = 2
BLUR_S = 0.002  # the clocks are not read at one moment


@dataclass(frozen=True, slots=True)
class Spell:
    """A time through which a process was busy, pinned to one CPU."""

    cpu: int  # number of the CPU
    wall_s: float  # how long it was
    cpu_s: float  # CPU time of the process, by its clock
    waited_s: float  # in the run queue, by /proc/PID/schedstat
    steal_s: float  # of the CPU, by /proc/stat
    interrupts_s: float  # of the CPU, hard and soft ones, by /proc/stat

    @property
    def missing_s(self) -> float:
        return self.wall_s - self.cpu_s - self.waited_s

    @property
    def least_s(self) -> float:
        """What is missing at least if the clock leaves out steal. Time stolen while the process waited is waiting."""
        return self.steal_s - self.waited_s - TICK_S

    @property
    def most_s(self) -> float:
        """What is missing at most if the clock leaves out steal. CONFIG_IRQ_TIME_ACCOUNTING takes out interrupts."""
        return self.steal_s + self.most_if_counted_s

    @property
    def most_if_counted_s(self) -> float:
        """What is missing at most if the clock counts stolen time as CPU time."""
        return self.interrupts_s + TICK_S + BLUR_S

    @property
    def is_calm(self) -> bool:
        return round(self.steal_s / TICK_S) < FEWEST_TICKS


def decide(spells: tuple[Spell, ...]) -> bool | None:
    """Whether the clock leaves out steal, by spells in which enough was stolen; None: cannot be told.

    False also where less is missing than the clock would leave out, though something is.
    """
    missing_s = sum(spell.missing_s for spell in spells)
    if missing_s > sum(spell.most_s for spell in spells):
        return None
    if missing_s < sum(spell.least_s for spell in spells):
        return False
    half_s = sum(spell.steal_s for spell in spells) / 2
    return True if missing_s > max(half_s, sum(spell.most_if_counted_s for spell in spells)) else None


@dataclass(frozen=True, slots=True)
class ClockCheck:
    """What was seen, and what follows from it. Two checks of the same machine may be added."""

    spells: tuple[Spell, ...] = ()  # whatever they tell
    kernel_option: bool | None = None  # CONFIG_PARAVIRT_TIME_ACCOUNTING, by the kernel's configuration; no proof
    reason: str | None = None  # why there is no spell

    def __add__(self, other: "ClockCheck") -> "ClockCheck":
        return ClockCheck(self.spells + other.spells, other.kernel_option, other.reason or self.reason)

    @property
    def excludes_steal(self) -> bool | None:
        """None: cannot be told."""
        return decide(self._telling)

    @property
    def text(self) -> str:
        """One line with the figures."""
        if self.excludes_steal is None:
            head = f"it cannot be told whether process CPU time excludes steal here: {self._obstacle}"
        else:
            head = f"process CPU time {'excludes' if self.excludes_steal else 'includes'} steal here"
        option = {True: "; kernel built with ", False: "; kernel built without ", None: ""}[self.kernel_option]
        return head + self._figures + (option and f"{option}CONFIG_PARAVIRT_TIME_ACCOUNTING")

    @property
    def _telling(self) -> tuple[Spell, ...]:
        return tuple(spell for spell in self.spells if not spell.is_calm and decide((spell,)) is not None)

    @property
    def _obstacle(self) -> str:
        if not self.spells:
            return self.reason or "nobody looked"
        if all(spell.is_calm for spell in self.spells):
            return "next to nothing was stolen meanwhile"
        if any(spell.missing_s > spell.most_s for spell in self.spells):
            return "more is missing than was stolen"
        return "other processes or interrupts had the CPU as well"

    @property
    def _figures(self) -> str:
        shown = self._telling or self.spells
        if not shown:
            return ""
        wall_s, steal_s, missing_s, waited_s = (
            sum(getattr(spell, name) for spell in shown) for name in ("wall_s", "steal_s", "missing_s", "waited_s")
        )
        cpus = ", ".join(str(cpu) for cpu in sorted({spell.cpu for spell in shown}))
        return (
            f" ({wall_s:.1f} s of a busy process on CPU {cpus}: {steal_s:.2f} s stolen, {missing_s:z.3f} s missing "
            f"from its CPU time, beside {waited_s:.3f} s of waiting for other processes)"
        )
