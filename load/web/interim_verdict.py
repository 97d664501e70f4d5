"""A running campaign as its report would show it: ratios per round, intervals, and the current verdict.

Its rule: the arithmetic and the sentences are those of reports/analysis, from the records that are on disk by now.
"""

from dataclasses import dataclass, replace

from profiles.store.proof import Proof
from profiles.store.run_folder import RUN_FILE, RunFolder
from reports.analysis.aa_floor import effective_floor
from reports.analysis.rounds import PRIMARY, build, number_of, value
from reports.analysis.validity import check
from reports.analysis.verdict import conclude, delta


@dataclass(frozen=True, slots=True)
class ModeSoFar:
    """A mode against the baseline. ratios: by round number. With too few rounds low and high are None, and ratio is the
    median of the rounds. kind and sentence: of the current verdict."""

    mode: str
    kind: str
    sentence: str
    ratios: dict[int, float]
    ratio: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Interim:
    """question: saturated or paced. rounds: complete ones. planned: at most, without repeats. delta: the smallest share
    that matters. dropped: disturbed rounds, with the reason."""

    question: str
    baseline: str
    rounds: int
    planned: int
    delta: float
    modes: tuple[ModeSoFar, ...]
    dropped: dict[int, str]


def interim_verdict(folder: RunFolder) -> Interim | None:
    """None where nothing is on disk yet. Raises UserError for damaged records."""
    if not (folder.path / RUN_FILE).exists():
        return None
    run = folder.read_run()
    records = build(run, folder.read_cells(), proofs=folder.read(Proof))
    floor = effective_floor(records)
    reach = floor.reach if floor else None
    modes = []
    for verdict in conclude(records, check(records), reach):
        ratios = {}
        for cells in records.rounds:
            ours, base = (value(cells[name], PRIMARY) for name in (verdict.mode, run.baseline))
            if ours is not None and base is not None and ours > 0 and base > 0:
                ratios[number_of(cells)] = ours / base
        so_far = ModeSoFar(verdict.mode, verdict.kind, verdict.line, ratios)
        if (paired := verdict.paired) is not None:
            ratio = paired.median if paired.low is None else paired.ratio
            so_far = replace(so_far, ratio=ratio, low=paired.low, high=paired.high)
        modes.append(so_far)
    dropped = {number: "; ".join(reasons) for number, reasons in records.dropped.items()}
    planned = run.rounds_planned or len(run.order)
    return Interim(run.question, run.baseline, len(records.rounds), planned, delta(reach), tuple(modes), dropped)
