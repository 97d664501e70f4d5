"""The records of a run in order: its rounds, those that are left out, and the numbers of a mode over the judged ones.

Its rule: a mode is compared in the rounds in which it and the baseline have their cells (docs/method.md §4), so that a
cell that was lost costs no other mode its pair. Rounds that measured something else are left out whole (§6) as long as
enough remain for an interval. Where too few remain, every round is kept, and the report says so. Both are decided on
covariates and counts, never on a result. A number that is missing in a round is counted as missing, never filled in.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from errors import UserError
from profiles.store.proof import Proof
from profiles.store.records import Cell, Probe, Profile, Run, Sample
from profiles.store.run_facts import MetricFacts
from reports.analysis.disturbance import must_repeat
from reports.analysis.paired_ratio import FAMILY_CONFIDENCE, family_confidence, paired_ratio, rounds_needed
from units import GIB

PRIMARY = "server_cpu_s_per_gib"


@dataclass(frozen=True, slots=True)
class Spread:
    """A number over the judged rounds: median, smallest, largest, and in how many of them it was known."""

    median: float
    low: float
    high: float
    known: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """All records of a run. rounds: the judged ones, each with its cells by mode, baseline first, duplicate last; any
    mode but the baseline may be missing. all_rounds: all that have the baseline and something to compare with it, or
    lost that. incomplete: the numbers of the others. disturbed: those that measured something else, round to reasons.
    """

    run: Run
    cells: tuple[Cell, ...]
    profiles: tuple[Profile, ...]
    samples: tuple[Sample, ...]
    rounds: tuple[Mapping[str, Cell], ...]
    incomplete: tuple[int, ...]
    proofs: tuple[Proof, ...] = ()
    all_rounds: tuple[Mapping[str, Cell], ...] = ()
    disturbed: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    probes: tuple[Probe, ...] = ()

    @property
    def dropped(self) -> Mapping[int, tuple[str, ...]]:
        """The rounds that are left out: the disturbed ones, unless they had to be kept."""
        return {} if self.always_disturbed else self.disturbed

    @property
    def always_disturbed(self) -> bool:
        """So few rounds were undisturbed that every one is kept."""
        return bool(self.disturbed) and len(self.rounds) == len(self.all_rounds)

    def with_rounds(self, rounds: tuple[Mapping[str, Cell], ...]) -> "Dataset":
        """The same records with other rounds judged: for the sensitivity statement (docs/method.md §6)."""
        return replace(self, rounds=rounds)

    @property
    def modes(self) -> tuple[str, ...]:
        return self.run.modes

    @property
    def others(self) -> tuple[str, ...]:
        """The modes other than the baseline."""
        return tuple(mode for mode in self.run.modes if mode != self.run.baseline)

    @property
    def confidence(self) -> float:
        """Of each interval against the baseline; plain in an exploratory run, which has no verdicts."""
        return _confidence(self.run)

    def cells_of(self, mode: str) -> tuple[Cell, ...]:
        """In the judged rounds that have the mode, in their order."""
        return tuple(cells[mode] for cells in self.rounds if mode in cells)

    def spread(self, mode: str, metric: str, *, per_gib: bool = False) -> Spread | None:
        """None where no judged round knows the number."""
        return spread([value(cell, metric, per_gib=per_gib) for cell in self.cells_of(mode)])

    def switches(self, mode: str) -> Spread | None:
        """Context switches per GiB, voluntary and involuntary together."""
        return spread([_sum(cell, "voluntary_switches", "involuntary_switches") for cell in self.cells_of(mode)])

    def pairs(
        self, mode: str, metric: str, *, per_gib: bool = False, against: str | None = None
    ) -> list[tuple[float, float]]:
        """(mode, baseline) of every judged round that knows both. against: a mode instead of the baseline."""
        other = against or self.run.baseline
        both = (
            (value(cells[mode], metric, per_gib=per_gib), value(cells[other], metric, per_gib=per_gib))
            for cells in self.rounds
            if mode in cells and other in cells
        )
        return [(a, b) for a, b in both if a is not None and b is not None and a > 0 and b > 0]

    def metric(self, name: str) -> MetricFacts | None:
        return next((facts for facts in self.run.metrics if facts.name == name), None)


def value(cell: Cell, metric: str, *, per_gib: bool = False) -> float | None:
    """A cell's number, None where it is unknown. per_gib: divided by the GiB that arrived in it."""
    number = cell.metrics.get(metric)
    if number is None or not per_gib:
        return number
    return number / (cell.received_bytes / GIB) if cell.received_bytes else None


def half_widths(dataset: Dataset) -> list[tuple[int, float | None]]:
    """Rounds and half-width of every interval. A mode that is void already, or has no pair, is not waited for."""
    void = {cell.mode for cell in dataset.cells if cell.failures}
    void |= {proof.mode for proof in dataset.proofs if proof.contradiction}
    found = [dataset.pairs(mode, PRIMARY) for mode in dataset.others if mode not in void]
    return [(len(pairs), paired_ratio(pairs, dataset.confidence).half_width) for pairs in found if pairs]


def precise(dataset: Dataset, target: float) -> bool:
    """Whether every interval has at most this half-width; never where that is 0."""
    widths = [width for _, width in half_widths(dataset)]
    return target > 0 and bool(widths) and all(width is not None and width <= target for width in widths)


def _confidence(run: Run) -> float:
    return FAMILY_CONFIDENCE if run.quick else family_confidence(len(run.modes) - 1)


def spread(values: Sequence[float | None]) -> Spread | None:
    known = [number for number in values if number is not None]
    if not known:
        return None
    return Spread(statistics.median(known), min(known), max(known), len(known), len(values))


def _sum(cell: Cell, *metrics: str) -> float | None:
    """Per GiB; unknown where one of them is."""
    known = [number for metric in metrics if (number := value(cell, metric, per_gib=True)) is not None]
    return sum(known) if len(known) == len(metrics) else None


def number_of(cells: Mapping[str, Cell]) -> int:
    """A round's number."""
    return next(iter(cells.values())).round


def build(
    run: Run,
    cells: tuple[Cell, ...],
    profiles: tuple[Profile, ...] = (),
    samples: tuple[Sample, ...] = (),
    proofs: tuple[Proof, ...] = (),
    probes: tuple[Probe, ...] = (),
) -> Dataset:
    """Raises UserError where the records contradict the run, or each other."""
    by_round = _by_round(run, cells)
    names = (*run.modes, *((run.duplicate,) if run.duplicate else ()))
    alone = {void.round for void in run.voids} if len(run.targets) > 1 else set(by_round)
    complete = {
        number: found
        for number, found in sorted(by_round.items())
        if run.baseline in found and (len(found) > 1 or number in alone)
    }
    every = tuple({mode: found[mode] for mode in names if mode in found} for found in complete.values())
    incomplete = tuple(sorted(set(by_round) - set(complete)))
    disturbed = {number_of(found): reasons for found in every if (reasons := must_repeat(found, run))}
    undisturbed = tuple(found for found in every if number_of(found) not in disturbed)
    enough = len(undisturbed) >= rounds_needed(_confidence(run))
    judged = undisturbed if enough else every
    return Dataset(run, cells, profiles, samples, judged, incomplete, proofs, every, disturbed, probes)


def _by_round(run: Run, cells: tuple[Cell, ...]) -> dict[int, dict[str, Cell]]:
    """Round to mode to cell. Raises UserError for a cell of no target, or a second one of a mode."""
    targets = {target.name for target in run.targets}
    if run.baseline not in targets:
        raise UserError(f"run {run.name!r} compares with {run.baseline!r}, which is not among its targets")
    by_round: dict[int, dict[str, Cell]] = {}
    for cell in cells:
        of_round = by_round.setdefault(cell.round, {})
        if cell.mode not in targets:
            raise UserError(f"run {run.name!r} holds a cell of {cell.mode!r}, which is not among its targets")
        if cell.mode in of_round:
            raise UserError(
                f"run {run.name!r} holds round {cell.round} of {cell.mode!r} twice: remove one of the lines"
            )
        of_round[cell.mode] = cell
    return by_round
