"""What machines that answer the same question of a mode and its baseline show together.

Its rule: only like is pooled with like (likeness.py), and whatever is not pooled is named with the reason.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from reports.analysis.random_effects import FEWEST_MACHINES, RandomEffects, random_effects
from reports.class_page.embedded import Report
from reports.class_page.hand_ins import shown
from reports.class_page.likeness import alike, each_once, of_one_question, of_one_version
from reports.class_page.machines import NOT_MEASURED, Machine, machine
from reports.comparison.differences import question
from reports.students.course import CLASSIC, ZERO_COPY

MOST_POOLS = 6


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A report that was not pooled, for these modes."""

    name: str
    modes: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Pool:
    """machines: where the mode is cheapest first. summary: None for fewer than three. alike: names of reports that may
    be of one machine."""

    mode: str
    baseline: str
    question: str
    machines: tuple[Machine, ...]
    summary: RandomEffects | None
    left_out: tuple[LeftOut, ...]
    alike: tuple[tuple[str, ...], ...]


def pools(reports: Iterable[Report]) -> tuple[Pool, ...]:
    """The course's pair first, where it was measured, then those that most reports have. All but the first are of two
    machines or more."""
    every = tuple(reports)
    found = [_pool(every, *pair) for pair in _pairs(every)[: 2 * MOST_POOLS]]
    return tuple(pool for place, pool in enumerate(found) if place == 0 or len(pool.machines) > 1)[:MOST_POOLS]


def left_out(found: tuple[Pool, ...]) -> tuple[LeftOut, ...]:
    """By report and reason. That a report did not measure a mode is only said of the first pool's."""
    modes: dict[tuple[str, str], tuple[str, ...]] = {}
    for place, pool in enumerate(found):
        for each in pool.left_out:
            if place == 0 or not each.reason.startswith(NOT_MEASURED):
                modes[each.name, each.reason] = modes.get((each.name, each.reason), ()) + each.modes
    return tuple(LeftOut(name, which, reason) for (name, reason), which in modes.items())


def _pairs(reports: tuple[Report, ...]) -> list[tuple[str, str]]:
    """Modes with their baselines. A server of somebody's own is another one on each machine."""
    counted: Counter[tuple[str, str]] = Counter()
    for report in reports:
        run = report.run.run
        ours = {target.name for target in run.targets if target.external is None}
        counted.update((mode, run.baseline) for mode in report.run.dataset.others if {mode, run.baseline} <= ours)
    return sorted((pair for pair, _ in counted.most_common()), key=lambda pair: pair != (ZERO_COPY, CLASSIC))


def _pool(reports: tuple[Report, ...], mode: str, baseline: str) -> Pool:
    found: list[Machine] = []
    reasons: dict[str, str] = {}  # by report: the first one
    for report in reports:
        for answer in report.run.answers:
            measured = machine(report, answer, mode, baseline)
            if isinstance(measured, Machine):
                found.append(measured)
            else:
                reasons.setdefault(report.name, measured)
    found, unlike = of_one_question(found, (mode, baseline))
    found, older = of_one_version(found)
    found, repeated = each_once(found)
    reasons = repeated | older | unlike | reasons
    pooled = tuple(sorted(found, key=lambda each: each.paired.ratio))
    names = {each.name for each in pooled}
    return Pool(
        mode,
        baseline,
        _question(pooled, (mode, baseline)),
        pooled,
        random_effects([each.effect for each in pooled]) if len(pooled) >= FEWEST_MACHINES else None,
        tuple(LeftOut(name, (mode,), reason) for name, reason in sorted(reasons.items()) if name not in names),
        alike(pooled),
    )


def _question(machines: tuple[Machine, ...], modes: tuple[str, str]) -> str:
    asked = question(machines[0].run, modes) if machines else {}
    return shown(", ".join(f"{name} {value}" for name, value in asked.items()), 300)
