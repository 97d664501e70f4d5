"""Everything a sweep's page is made of: its record, and the run at each of its points, concluded.

Its rule: as for a run (reports/run_data.py), it is read from the sweep's folder alone.
"""

from dataclasses import dataclass
from pathlib import Path

from errors import UserError
from profiles.store.records import Cell
from profiles.store.run_folder import RUN_FILE
from profiles.store.sweep_folder import Sweep, SweepFolder
from reports.analysis.bottleneck import mostly_client_limited
from reports.analysis.paired_ratio import Paired
from reports.analysis.rounds import PRIMARY
from reports.analysis.verdict import SMALLEST_DELTA
from reports.run_data import RunData, read_run
from reports.sweep.crossover import Crossover, Point, crossover
from units import GIB, format_size


@dataclass(frozen=True, slots=True)
class PointData:
    """A point of the axis, and the run there."""

    value: int
    run: RunData

    def cost(self, mode: str) -> float | None:
        """The median server CPU s/GiB; None where it is unknown or void."""
        spread = None if mode in self.run.void else self.run.dataset.spread(mode, PRIMARY)
        return None if spread is None else spread.median

    def request_us(self, mode: str) -> float | None:
        """The median server CPU per request, µs."""
        cost = self.cost(mode)
        return None if cost is None else cost * self.run.run.file.size_bytes / GIB * 1e6

    def paired(self, mode: str) -> Paired | None:
        """The mode against the baseline; None where one of them is void, or nothing is known."""
        verdict = next((found for found in self.run.verdicts if found.mode == mode), None)
        return None if verdict is None or verdict.kind == "void" else verdict.paired

    def client_limited(self, mode: str) -> bool:
        return mostly_client_limited(self.run.dataset.cells_of(mode), self.run.run)


@dataclass(frozen=True, slots=True)
class SweepData:
    """places: the points that hold a complete round, ascending. empty: the others that were begun."""

    sweep: Sweep
    places: tuple[PointData, ...]
    empty: tuple[int, ...]

    @property
    def modes(self) -> tuple[str, ...]:
        """What is compared, the baseline first."""
        return self.places[0].run.run.modes

    @property
    def others(self) -> tuple[str, ...]:
        return self.modes[1:]

    @property
    def delta(self) -> float:
        """What is too small to matter, as a share: the widest of the points'."""
        return max((place.run.delta for place in self.places), default=SMALLEST_DELTA)

    @property
    def rounds(self) -> int:
        return sum(len(place.run.dataset.all_rounds) for place in self.places)

    def say(self, value: float) -> str:
        return say(self.sweep.axis, value)

    def points(self, mode: str) -> tuple[Point, ...]:
        """Its ratios, ascending; without the void ones."""
        found = [(place.value, paired) for place in self.places if (paired := place.paired(mode))]
        return tuple(Point(value, pair.ratio, pair.low, pair.high, pair.rounds) for value, pair in found)

    def crossover(self, mode: str) -> Crossover:
        """Where its curve crosses the baseline's; only for an axis of magnitudes, all above zero."""
        return crossover(self.points(mode), self.delta)


def say(axis: str, value: float) -> str:
    """A value of the axis as people write it; what lies between points to two digits."""
    if axis in ("connections", "buffer-offset"):
        return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
    return format_size(value)


def is_sweep(profiles: Path, name: str | None) -> bool:
    """Whether a sweep of this name lies here. Raises UserError where nobody can tell."""
    return name is not None and name == Path(name).name and SweepFolder(profiles / name).exists


def load_sweep(folder: SweepFolder) -> SweepData:
    """Raises UserError where it cannot be read, or holds no complete round."""
    sweep = folder.read()
    places, empty = [], []
    for value in sweep.values:
        point = folder.point(value)
        if not (point.path / RUN_FILE).is_file():
            continue
        if _complete(point.read_cells(), len(point.read_run().targets)):
            places.append(PointData(value, read_run(point, whole=False)))
        else:
            empty.append(value)
    if not places:
        raise UserError(
            f"sweep {sweep.name!r} holds no complete round, so that there is nothing to report; go on with "
            f"`make sweep RUN={sweep.name}`"
        )
    return SweepData(sweep, tuple(places), tuple(empty))


def _complete(cells: tuple[Cell, ...], targets: int) -> bool:
    rounds = [cell.round for cell in cells]
    return any(rounds.count(number) >= targets for number in set(rounds))
