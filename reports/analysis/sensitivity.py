"""Does the verdict depend on which rounds were judged? (docs/method.md §6)

Its rule: where rounds were dropped, every verdict is made again with every round kept; where none could be dropped,
from the undisturbed rounds alone. Both are reported, whichever way they point.
"""

from dataclasses import dataclass

from reports.analysis.findings import Validity
from reports.analysis.rounds import Dataset
from reports.analysis.text import interval, plural
from reports.analysis.verdict import Verdict, conclude


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """title: names the other rounds, or says that there are none. lines: per mode, its result from those rounds."""

    title: str
    lines: tuple[tuple[str, str], ...] = ()


def sensitivity(
    dataset: Dataset, validity: Validity, verdicts: tuple[Verdict, ...], aa_floor: float | None
) -> Sensitivity | None:
    """None where no round was disturbed, so that there is no other choice of rounds."""
    if not dataset.disturbed or not verdicts:
        return None
    rounds = dataset.undisturbed_rounds if dataset.always_disturbed else dataset.all_rounds
    if not rounds:
        return Sensitivity("No round was undisturbed.")
    count = plural(len(rounds), "undisturbed round" if dataset.always_disturbed else "round")
    title = f"Result from the {count}:" if dataset.always_disturbed else f"Result with every round kept ({count}):"
    others = conclude(dataset.with_rounds(rounds), validity, aa_floor)
    return Sensitivity(title, tuple((now.mode, _line(now, other)) for now, other in zip(verdicts, others, strict=True)))


def _line(now: Verdict, other: Verdict) -> str:
    same = "the verdict stays" if other.kind == now.kind else f"the verdict would be: {other.sentence}"
    if other.kind == "void" or other.paired is None:
        return same
    numbers = interval(*other.paired.estimate)
    return f"{numbers}, too few rounds for an interval" if other.paired.low is None else f"{numbers}: {same}"
