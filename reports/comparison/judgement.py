"""What a gate found: each mode's outcome, and whatever speaks against the runs that it was found in.

Its rule: a gate never passes in silence. What cannot be judged is unclear, with an exit code of its own, and so is all
of a run that is void or that did not end as planned. Cautions, and checks that nobody could make, stand beside each
outcome; a strict gate does not pass with them.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from errors import EXIT_DONE, EXIT_FAILED
from reports.analysis.findings import Severity
from reports.analysis.paired_ratio import Paired
from reports.analysis.text import interval, times
from reports.analysis.unpaired_ratio import Unpaired
from reports.run_data import RunData

EXIT_UNCLEAR = 3

Outcome = Literal["pass", "regression", "unclear"]


@dataclass(frozen=True, slots=True)
class Note:
    """A void, a caution or an unknown of a run. modes: that it concerns; none for the whole run."""

    kind: Severity
    run: str
    text: str
    modes: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        return f"{self.kind}: run {self.run}: {', '.join(self.modes)}{': ' * bool(self.modes)}{self.text}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """mode: what was judged, by its name. text: the reason, without that name. notes: on the modes it rests on."""

    mode: str
    outcome: Outcome
    text: str
    notes: tuple[Note, ...] = ()

    def strictly(self) -> "Judgement":
        """Unclear where it would pass with cautions."""
        if self.outcome != "pass" or not self.notes:
            return self
        return replace(self, outcome="unclear", text=f"{self.text}, but not without cautions (STRICT=1)")


@dataclass(frozen=True, slots=True)
class Gate:
    """name: of the run or runs. what: is judged. scope: how far the intervals reach."""

    name: str
    what: str
    scope: str
    judgements: tuple[Judgement, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst of all modes."""
        found = {judgement.outcome for judgement in self.judgements}
        return "regression" if "regression" in found else "unclear" if "unclear" in found else "pass"

    @property
    def exit_code(self) -> int:
        return {"pass": EXIT_DONE, "regression": EXIT_FAILED, "unclear": EXIT_UNCLEAR}[self.outcome]

    @property
    def notes(self) -> tuple[Note, ...]:
        """Each once."""
        return tuple(dict.fromkeys(note for judgement in self.judgements for note in judgement.notes))


def notes(run: RunData, modes: Collection[str]) -> tuple[Note, ...]:
    """What speaks against these modes of a run, or against the run."""
    return tuple(
        Note(kind, run.run.name, text, tuple(about))
        for (kind, text), about in run.validity.said("void", "caution", "unknown").items()
        if not about or {*about} & {*modes}
    )


def unfit(run: RunData) -> str | None:
    """Why nothing in this run can pass; None where something can."""
    name, state, why = run.run.name, run.run.state, f": {run.run.reason}" if run.run.reason else ""
    if state != "done":
        how = {"interrupted": "was interrupted", "failed": "failed"}.get(state, "did not end")
        return f"run {name!r} {how}{why}; measure it again"
    if run.validity.word == "void":
        reasons = dict.fromkeys(finding.text for finding in run.validity.of("void"))
        return f"run {name!r} is void: {'; '.join(reasons)}"
    return None


def against_limit(found: Paired | Unpaired, maximum: float) -> tuple[Outcome, str]:
    """Where an interval lies, and that in words."""
    limit = f"{maximum:g}x"
    if found.low is None or found.high is None:
        return "unclear", f"{times(found.ratio)} without an interval: {found.reason}"
    numbers = interval(found.ratio, found.low, found.high)
    if found.low > maximum:
        return "regression", f"{numbers} is above the limit of {limit}"
    if found.high <= maximum:
        return "pass", f"{numbers} is within the limit of {limit}"
    return "unclear", f"{numbers} includes the limit of {limit}: measure more rounds"
