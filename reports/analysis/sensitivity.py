"""Does the verdict depend on the most disturbed rounds? (docs/method.md §6)

Its rule: every verdict is made again without the quarter of the rounds that others disturbed most. Rounds are ranked by
covariates, never by a result, and both results are reported, whichever way they point.
"""

from dataclasses import dataclass

from reports.analysis.disturbance import MOST_STEAL, others_share
from reports.analysis.findings import Finding, Validity
from reports.analysis.rounds import Dataset, number_of
from reports.analysis.text import interval, plural
from reports.analysis.verdict import Verdict, conclude


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """title: says which rounds were left out. lines: per mode, its result from the others. cautions: the verdicts that
    would be others."""

    title: str
    lines: tuple[tuple[str, str], ...]
    cautions: tuple[Finding, ...]


def sensitivity(
    dataset: Dataset, validity: Validity, verdicts: tuple[Verdict, ...], aa_floor: float | None
) -> Sensitivity | None:
    """None where others had next to no CPU time in any round, or there are too few rounds to leave some out."""
    shares = {number_of(cells): others_share(cells, dataset.run) for cells in dataset.rounds}
    out = len(shares) // 4
    if not out or not verdicts or dataset.run.quick or max(shares.values()) <= MOST_STEAL:
        return None
    calm = set(sorted(shares, key=lambda number: (shares[number], number))[:-out])
    rest = dataset.with_rounds(tuple(cells for cells in dataset.rounds if number_of(cells) in calm))
    pairs = list(zip(verdicts, conclude(rest, validity, aa_floor), strict=True))
    which = f"the {out} most disturbed of {plural(len(shares), 'round')}"
    return Sensitivity(
        f"Result without {which}, by steal and foreign CPU:",
        tuple((now.mode, _line(now, other)) for now, other in pairs),
        tuple(_caution(other, which) for now, other in pairs if _differs(now, other)),
    )


def _differs(now: Verdict, other: Verdict) -> bool:
    """Too few rounds for an interval are no other verdict."""
    return other.kind not in (now.kind, "none")


def _caution(other: Verdict, which: str) -> Finding:
    return Finding("caution", f"without {which} the verdict would be: {other.sentence}", other.mode)


def _line(now: Verdict, other: Verdict) -> str:
    same = f"the verdict would be: {other.sentence}" if _differs(now, other) else "the verdict stays"
    if other.kind == "void" == now.kind:
        return "void, with those rounds and without"
    if other.kind == "void" or other.paired is None:
        return same
    numbers = interval(*other.paired.estimate)
    return f"{numbers}, too few rounds for an interval" if other.paired.low is None else f"{numbers}: {same}"
