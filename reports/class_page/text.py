"""What a pool of machines shows, in sentences: for the page and the terminal.

Its rule: fewer than three machines say nothing of a spread, and that is said.
"""

import math
import statistics

from reports.analysis.random_effects import FEWEST_MACHINES
from reports.analysis.text import interval, plural, times
from reports.class_page.machines import Machine
from reports.class_page.pools import Pool

MOST_NAMES = 6


def headline(pool: Pool) -> str:
    """over 27 machines sendfile needs 0.48x [0.41, 0.55] of read-send's CPU; it differs between machines by …"""
    of = f"of {pool.baseline}'s CPU"
    if pool.summary is None:
        return _few(pool, of)
    ratio = f"over {pool.summary.machines} machines {pool.mode} needs {interval(*pool.summary.ratio)} {of}"
    if pool.summary.between == 0:
        return f"{ratio}; the machines do not differ by more than their intervals allow"
    low, high = pool.summary.prediction
    expected = f"another machine like these is expected from {times(low)} to {times(high)}"
    return f"{ratio}; it differs between machines by {factor(pool.summary.between)} (standard deviation): {expected}"


def _few(pool: Pool, of: str) -> str:
    nothing = f"a spread between machines needs {FEWEST_MACHINES} at least"
    if not pool.machines:
        return f"no report of {pool.mode} against {pool.baseline} could be pooled: {nothing}"
    found = " and ".join(interval(*each.paired.estimate) for each in pool.machines)
    return f"on {plural(len(pool.machines), 'machine')} {pool.mode} needs {found} {of}; {nothing}"


def spreads(pool: Pool) -> tuple[tuple[str, str], ...]:
    """What lies apart how far, each with a factor: between machines, and within one."""
    rounds = statistics.median(scatter(each) for each in pool.machines)
    between = pool.summary and factor(pool.summary.between)
    errors = statistics.median(each.effect.standard_error for each in pool.machines)
    return (
        ("between machines: standard deviation of their ratios, without their own uncertainty", between or "unknown"),
        ("within a machine: standard error of its ratio, the median of the machines", factor(errors)),
        ("within a machine: standard deviation from round to round, the median of the machines", factor(rounds)),
    )


def scatter(machine: Machine) -> float:
    """Standard deviation of the rounds' log ratios."""
    return statistics.stdev(math.log(ratio) for ratio in machine.paired.ratios)


def factor(deviation: float) -> str:
    """A standard deviation of log ratios: a factor of 1.21"""
    return f"a factor of {math.exp(deviation):.{2 if deviation >= 0.01 else 3}f}"


def cautions(pool: Pool) -> tuple[str, ...]:
    """Reports that may be of one machine."""
    same = "CPU, memory, swap space and the kernel's command line are the same"
    return tuple(
        f"{_listed(names)} may be of one machine, which then counts {len(names)} times: {same}. Hand in one report for "
        f"each machine"
        for names in pool.alike
    )


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
