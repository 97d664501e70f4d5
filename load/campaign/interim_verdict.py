"""A running campaign as its report would show it: ratios per round, intervals, and the current verdict.

Its rule: the arithmetic and the sentences are those of reports/analysis, from the rounds that are measured by now.
"""

from dataclasses import dataclass, replace

from profiles.store.proof import Proof
from profiles.store.records import Cell, Probe, Profile
from profiles.store.run_folder import RUN_FILE, RunFolder
from reports.analysis.aa_floor import effective_floor
from reports.analysis.disturbance import steal_seen
from reports.analysis.ranking import ranking
from reports.analysis.rounds import PRIMARY, Dataset, build, number_of, value
from reports.analysis.sensitivity import sensitivity
from reports.analysis.validity import check
from reports.analysis.verdict import Verdict, conclude, delta


@dataclass(frozen=True, slots=True)
class ModeSoFar:
    """A mode against the baseline. ratios: by round number. With too few rounds low, high and half_width are None, and
    ratio is the median of the rounds. kind and sentence: of the current verdict."""

    mode: str
    kind: str
    sentence: str
    ratios: dict[int, float]
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    half_width: float | None = None


@dataclass(frozen=True, slots=True)
class Interim:
    """question: saturated or paced. rounds: that are judged. planned: so many at most. delta: the smallest
    share that matters. precision: the half-width at which it stops; 0 for never. stolen: in how many rounds the
    hypervisor took more than 2 % of the CPU time. stands: whether such rounds are kept. ranking: which mode is the
    cheapest so far, and by how much, in lines; none where the intervals do not say. cautions: what speaks against the
    numbers, and which are void."""

    question: str
    baseline: str
    rounds: int
    planned: int
    delta: float
    precision: float
    stolen: int
    stands: bool
    modes: tuple[ModeSoFar, ...]
    ranking: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()


def interim_verdict(dataset: Dataset) -> Interim:
    run = dataset.run
    floor = effective_floor(dataset)
    reach = floor.reach if floor else None
    validity = check(dataset)
    verdicts = conclude(dataset, validity, reach)
    if run.state != "running" and (without := sensitivity(dataset, validity, verdicts, reach)):
        validity = replace(validity, findings=(*validity.findings, *without.cautions))
    repeats = len(run.repeats) if dataset.always_disturbed else 0  # then these are judged, too
    return Interim(
        question=run.question,
        baseline=run.baseline,
        rounds=len(dataset.rounds),
        planned=repeats + (run.rounds_planned or len(run.order)),
        delta=delta(reach),
        precision=run.precision,
        stolen=sum(steal_seen(cells, run) for cells in dataset.rounds),
        stands=run.clock_excludes_steal is True,
        modes=tuple(_so_far(dataset, verdict) for verdict in verdicts),
        ranking=ranking(verdicts, run.baseline, delta(reach)),
        cautions=validity.lines,
    )


def verdict_of(folder: RunFolder) -> Interim | None:
    """Of a campaign that has ended; of its paced part where both questions were asked. None without a round.

    Raises UserError for records that cannot be read.
    """
    if (folder.paced.path / RUN_FILE).exists():
        folder = folder.paced
    if not (folder.path / RUN_FILE).exists():
        return None
    passes = (folder.read(Profile), (), folder.read(Proof), folder.read(Probe))
    dataset = build(folder.read_run(), folder.read_cells(), *passes)
    return interim_verdict(dataset) if dataset.rounds else None


def _so_far(dataset: Dataset, verdict: Verdict) -> ModeSoFar:
    ratios = {}
    for cells in dataset.rounds:
        ours, base = (_cost(cells.get(name)) for name in (verdict.mode, dataset.run.baseline))
        if ours and base:
            ratios[number_of(cells)] = ours / base
    paired = verdict.paired
    if paired is None:
        return ModeSoFar(verdict.mode, verdict.kind, verdict.line, ratios)
    return ModeSoFar(verdict.mode, verdict.kind, verdict.line, ratios, *paired.estimate, paired.half_width)


def _cost(cell: Cell | None) -> float | None:
    return None if cell is None else value(cell, PRIMARY)
