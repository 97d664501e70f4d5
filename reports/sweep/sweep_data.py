"""Everything a sweep's page is made of: its record, and the concluded run at each of its points.

Its rule: read from the sweep's folder alone, like a run (reports/run_data.py).
"""

from dataclasses import dataclass
from pathlib import Path

from errors import UserError
from profiles.store.run_folder import RUN_FILE
from profiles.store.sweep_folder import Sweep, SweepFolder
from reports.analysis.bottleneck import mostly_client_limited
from reports.analysis.paired_ratio import Paired
from reports.analysis.rounds import PRIMARY, build
from reports.analysis.text import interval, times
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
        """The median server CPU s/GiB; None if unknown or void."""
        spread = None if mode in self.run.void else self.run.dataset.spread(mode, PRIMARY)
        return None if spread is None else spread.median

    def request_us(self, mode: str) -> float | None:
        """The median server CPU per request, µs."""
        cost = self.cost(mode)
        return None if cost is None else cost * self.run.run.file.size_bytes / GIB * 1e6

    def paired(self, mode: str) -> Paired | None:
        """The mode compared with the baseline; None if one of them is void or unknown."""
        verdict = next((found for found in self.run.verdicts if found.mode == mode), None)
        return None if verdict is None or verdict.kind == "void" else verdict.paired

    def ratio_text(self, mode: str) -> str:
        """The ratio with its interval, or the median of the rounds without one."""
        paired = self.paired(mode)
        if paired is None:
            return "void" if mode in self.run.void else "unknown"
        return f"{times(paired.median)}, no interval yet" if paired.low is None else interval(*paired.estimate)

    def client_limited(self, mode: str) -> bool:
        return mostly_client_limited(self.run.dataset.cells_of(mode), self.run.run)


@dataclass(frozen=True, slots=True)
class SweepData:
    """places: the points with a complete round, ascending. empty: the other points that were started."""

    sweep: Sweep
    places: tuple[PointData, ...]
    empty: tuple[int, ...]

    @property
    def modes(self) -> tuple[str, ...]:
        """The baseline first."""
        return self.places[0].run.run.modes

    @property
    def others(self) -> tuple[str, ...]:
        return self.modes[1:]

    @property
    def delta(self) -> float:
        """The difference that is too small to matter, as a share: the largest of the points'."""
        return max((place.run.delta for place in self.places), default=SMALLEST_DELTA)

    @property
    def rounds(self) -> int:
        return sum(len(place.run.dataset.all_rounds) for place in self.places)

    def say(self, value: float) -> str:
        return say(self.sweep.axis, value)

    def points(self, mode: str) -> tuple[Point, ...]:
        """Its ratios in ascending order of the axis, without void points."""
        found = [(place.value, paired) for place in self.places if (paired := place.paired(mode))]
        return tuple(Point(value, pair.ratio, pair.low, pair.high, pair.rounds) for value, pair in found)

    def crossover(self, mode: str) -> Crossover:
        """Where its curve crosses the baseline's; only for axes with values above zero."""
        return crossover(self.points(mode), self.delta)


def say(axis: str, value: float) -> str:
    """A value of the axis with its unit."""
    if axis in ("connections", "buffer-offset"):
        return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
    return format_size(value)


def is_sweep(profiles: Path, name: str | None) -> bool:
    """Whether there is a sweep of this name. Raises UserError if the folder cannot be read."""
    return name is not None and name == Path(name).name and SweepFolder(profiles / name).exists


def load_sweep(folder: SweepFolder) -> SweepData:
    """Raises UserError if it cannot be read or has no complete round."""
    sweep = folder.read()
    places, empty = [], []
    for value in sweep.values:
        point = folder.point(value)
        if not (point.path / RUN_FILE).is_file():
            continue
        if build(point.read_run(), point.read_cells()).rounds:
            places.append(PointData(value, read_run(point, whole=False)))
        else:
            empty.append(value)
    if not places:
        raise UserError(
            f"sweep {sweep.name!r} has no complete round, so there is nothing to report; continue it with "
            f"`make sweep RUN={sweep.name}`"
        )
    return SweepData(sweep, tuple(places), tuple(empty))
