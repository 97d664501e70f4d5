"""The records of a run put in order: complete rounds, and the numbers of a mode over them.

Its rule: only complete rounds, in which every mode has its cell, are ever compared (method.md §4); and a number
that is missing in a round is counted as missing, never filled in.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from errors import UserError
from profiles.records import Cell, MetricFacts, Profile, Proof, Run, Sample
from units import GIB

PRIMARY = "server_cpu_s_per_gib"


@dataclass(frozen=True, slots=True)
class Spread:
    """One number over the complete rounds: middle, smallest, largest, and in how many of them it was known."""

    median: float
    low: float
    high: float
    known: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Measured:
    """All records of a run. rounds: the complete ones, each with its cells by mode, baseline first."""

    run: Run
    cells: tuple[Cell, ...]
    profiles: tuple[Profile, ...]
    samples: tuple[Sample, ...]
    rounds: tuple[Mapping[str, Cell], ...]
    incomplete: tuple[int, ...]
    proofs: tuple[Proof, ...] = ()

    @property
    def modes(self) -> tuple[str, ...]:
        return self.run.modes

    @property
    def others(self) -> tuple[str, ...]:
        """The modes that are compared with the baseline."""
        return self.run.modes[1:]

    def cells_of(self, mode: str) -> tuple[Cell, ...]:
        """Of the complete rounds, in their order."""
        return tuple(cells[mode] for cells in self.rounds)

    def spread(self, mode: str, metric: str, *, per_gib: bool = False) -> Spread | None:
        """None where no complete round knows the number."""
        return spread([value(cell, metric, per_gib=per_gib) for cell in self.cells_of(mode)])

    def switches(self, mode: str) -> Spread | None:
        """Context switches per GiB, voluntary and involuntary together."""
        return spread([_sum(cell, "voluntary_switches", "involuntary_switches") for cell in self.cells_of(mode)])

    def pairs(self, mode: str, metric: str, *, per_gib: bool = False) -> list[tuple[float, float]]:
        """(mode, baseline) of every complete round that knows both and has a ratio."""
        both = (
            (value(cells[mode], metric, per_gib=per_gib), value(cells[self.run.baseline], metric, per_gib=per_gib))
            for cells in self.rounds
        )
        return [(a, b) for a, b in both if a is not None and b is not None and a > 0 and b > 0]

    def metric(self, name: str) -> MetricFacts | None:
        return next((facts for facts in self.run.metrics if facts.name == name), None)


def value(cell: Cell, metric: str, *, per_gib: bool = False) -> float | None:
    """A cell's number, None where it is unknown; per_gib of the bytes that arrived in its window."""
    number = cell.metrics.get(metric)
    if number is None or not per_gib:
        return number
    return number / (cell.received_bytes / GIB) if cell.received_bytes else None


def spread(values: Sequence[float | None]) -> Spread | None:
    known = [number for number in values if number is not None]
    if not known:
        return None
    return Spread(statistics.median(known), min(known), max(known), len(known), len(values))


def _sum(cell: Cell, *metrics: str) -> float | None:
    """Per GiB; unknown where one of them is."""
    known = [number for metric in metrics if (number := value(cell, metric, per_gib=True)) is not None]
    return sum(known) if len(known) == len(metrics) else None


def cores(cell: Cell, role: str) -> float | None:
    """How many cores "server" or "client" kept busy during the window."""
    user, system = cell.metrics.get(f"{role}_user_s"), cell.metrics.get(f"{role}_system_s")
    return None if user is None or system is None or cell.wall_s <= 0 else (user + system) / cell.wall_s


def measured(
    run: Run,
    cells: tuple[Cell, ...],
    profiles: tuple[Profile, ...] = (),
    samples: tuple[Sample, ...] = (),
    proofs: tuple[Proof, ...] = (),
) -> Measured:
    """Put the records in order. Raises UserError where they contradict the run, or each other."""
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
    complete = {number: found for number, found in sorted(by_round.items()) if len(found) == len(targets)}
    rounds = tuple({mode: found[mode] for mode in run.modes} for found in complete.values())
    incomplete = tuple(sorted(set(by_round) - set(complete)))
    return Measured(run, cells, profiles, samples, rounds, incomplete, proofs)
