"""The rounds of a campaign: their order, repeats of those that measured something else, and when there are enough.

Its rule: only precision, time and the limit of rounds end a campaign, never a result (docs/method.md §4). Precision is
looked at after numbers of rounds that were fixed before the first one.
"""

import math
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from profiles.store.records import Cell, Repeat, Run, Void
from reports.analysis.disturbance import must_repeat
from reports.analysis.paired_ratio import family_confidence, looks, paired_ratio, percent
from reports.analysis.rounds import PRIMARY, Dataset, build
from reports.analysis.text import plural


def order(modes: tuple[str, ...], rounds: int, seed: int) -> tuple[tuple[str, ...], ...]:
    """rounds tuples, each a permutation of the modes; positions differ in count by at most one per mode."""
    chance = random.Random(seed)
    planned: list[tuple[str, ...]] = []
    while len(planned) < rounds:
        planned += _square(modes, chance)
    return tuple(planned[:rounds])


def _square(modes: tuple[str, ...], chance: random.Random) -> list[tuple[str, ...]]:
    """A cyclic Latin square over shuffled modes, its rows shuffled: each mode once in each row and column."""
    names = chance.sample(modes, len(modes))
    rows = [tuple(names[start:] + names[:start]) for start in range(len(names))]
    return chance.sample(rows, len(rows))


@dataclass(slots=True)
class Schedule:
    """run: the record; its order, repeats, voids and stopped are kept up to date. modes: as they are measured. retries:
    how many rounds may be repeated, as a multiple of those that are planned. contradicted: modes whose proof contradicts
    their name. cells: append those of a round before asking for the next."""

    run: Run
    modes: tuple[str, ...]
    retries: int
    contradicted: frozenset[str] = frozenset()
    cells: list[Cell] = field(default_factory=list)
    round_s: float = 0.0
    _began_s: float = 0.0

    def rounds(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Each round's number and order. What ended them is in the record afterwards."""
        most = self.run.rounds_planned or 0
        looks_at = looks(self.level, most)
        self._began_s = time.monotonic()
        for modes in order(self.modes, most, self.run.seed):
            of = None
            while of is None or self._repeats(of):
                if self._time_is_up():
                    return self._stop(f"the time of {self.run.seconds:g} s was up after {plural(self._done, 'round')}")
                number = self._done + 1
                repeats = self.run.repeats if of is None else (*self.run.repeats, Repeat(number, of))
                self.run = replace(self.run, order=(*self.run.order, modes), repeats=repeats)
                yield number, modes
                self.round_s = (time.monotonic() - self._began_s) / number
                of = number
            if len(self.run.order) - len(self.run.repeats) in looks_at and self._is_precise():
                within = f"±{percent(self.run.precision)} after {plural(self._done, 'round')}"
                return self._stop(f"every interval was within {within}")
        return self._stop(f"the limit of {plural(most, 'round')}")

    @property
    def level(self) -> float:
        return family_confidence(len(self.run.modes) - 1)

    def dataset(self) -> Dataset:
        return build(self.run, tuple(self.cells))

    def void(self, *voids: Void) -> None:
        self.run = replace(self.run, voids=(*self.run.voids, *voids))

    def cells_of(self, number: int) -> Mapping[str, Cell]:
        return {cell.mode: cell for cell in self.cells if cell.round == number}

    def rounds_left(self) -> int:
        """About: as many as the widest interval so far asks for, up to one of the looks."""
        most, judged = self.run.rounds_planned or 0, len(self.run.order) - len(self.run.repeats)
        looks_at = looks(self.level, most)
        needed = looks_at[0] if self.run.precision else most
        for rounds, width in self._half_widths() if self.run.precision else ():
            needed = max(needed, round(rounds * ((width or 0.0) / self.run.precision) ** 2))
        last = next((look for look in looks_at if look >= max(needed, judged)), most)
        left = last - judged
        if self.run.seconds is not None:
            left = min(left, math.floor((self.run.seconds - self._spent_s) / max(self.round_s, 1e-3)))
        return max(0, left)

    def _is_precise(self) -> bool:
        widths = [width for _, width in self._half_widths()]
        return bool(widths) and all(width is not None and width <= self.run.precision for width in widths)

    def _half_widths(self) -> Iterator[tuple[int, float | None]]:
        """Rounds and half-width of each interval; those of modes that are void anyway are not waited for."""
        dataset, failed = self.dataset(), {cell.mode for cell in self.cells if cell.failures}
        for mode in dataset.others:
            if mode not in self.contradicted | failed:
                pairs = dataset.pairs(mode, PRIMARY)
                yield len(pairs), paired_ratio(pairs, self.level).half_width if pairs else None

    @property
    def _spent_s(self) -> float:
        return time.monotonic() - self._began_s

    @property
    def _done(self) -> int:
        return len(self.run.order)

    def _repeats(self, number: int) -> bool:
        """Whether a round measured something else, and may be repeated."""
        if len(self.run.repeats) >= self.retries * (self.run.rounds_planned or 0):
            return False
        cells = self.cells_of(number)
        return not cells or bool(must_repeat(cells, self.run))

    def _time_is_up(self) -> bool:
        return self.run.seconds is not None and self._done > 0 and self._spent_s + self.round_s > self.run.seconds

    def _stop(self, why: str) -> None:
        self.run = replace(self.run, stopped=why)
