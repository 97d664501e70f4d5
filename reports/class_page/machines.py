"""What one machine found of a mode, read from its report; or why that cannot be pooled with others."""

import math
from dataclasses import dataclass

from profiles.store.records import Run
from reports.analysis.paired_ratio import Paired
from reports.analysis.random_effects import Effect, effect
from reports.class_page.embedded import Report
from reports.class_page.facts import MachineFacts, facts
from reports.class_page.hand_ins import shown
from reports.run_data import RunData

MOST_RATIO = 1000.0  # no data path costs so much more, or less, than another
NOT_MEASURED = "it did not measure "


@dataclass(frozen=True, slots=True)
class Machine:
    """A mode against its baseline on one machine. name: of its report. version: the code that both ran."""

    name: str
    answer: RunData
    paired: Paired
    effect: Effect
    facts: MachineFacts
    version: tuple[str, ...]

    @property
    def run(self) -> Run:
        return self.answer.run


def machine(report: Report, answer: RunData, mode: str, baseline: str) -> Machine | str:
    """What the report's machine found, or why it cannot be pooled."""
    run = answer.run
    if answer.interactive:
        return "a load by hand: nothing was paired, so nothing is concluded"
    if mode not in answer.dataset.modes:
        return f"{NOT_MEASURED}{mode}"
    if run.baseline != baseline:
        return f"other question: its baseline is {shown(run.baseline)}, not {baseline}"
    if any(answer.target(each).external for each in (mode, baseline)):
        return "a server of its own, which is another one on each machine"
    if run.quick:
        return "exploratory (QUICK=1): too few rounds for a verdict"
    verdict = next(found for found in answer.verdicts if found.mode == mode)
    if verdict.kind == "void" or verdict.paired is None or verdict.paired.low is None:
        return shown(verdict.sentence, 200)
    known = effect(verdict.paired)
    if known is None or abs(known.log_ratio) > math.log(MOST_RATIO):
        return "impossible numbers: its rounds do not differ at all, or by more than data paths can"
    version = (report.code.get(baseline, ""), report.code.get(mode, ""))
    return Machine(report.name, answer, verdict.paired, known, facts(run), version if all(version) else _revision(run))


def _revision(run: Run) -> tuple[str, ...]:
    """Where the report does not hold the code's digests: an older one."""
    return ("revision", revision(run))


def revision(run: Run) -> str:
    """Of the project, shortened: 1a2b3c4d5e, or 1a2b3c4d5e with changes."""
    changed = " with changes" if run.software.get("git_dirty") == "yes" else ""
    return f"{shown(str(run.software.get('git_revision') or 'unknown'))[:10]}{changed}"
