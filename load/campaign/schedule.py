"""The rounds of a campaign: their order, repeats of those that measured something else, and when there are enough.

Its rule: only precision, time and the limit of rounds end a campaign, never a result (docs/method.md §4). Precision is
looked at after numbers of rounds that were fixed before the first one.
"""

import math
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from profiles.store.proof import Proof
from profiles.store.records import Cell, Repeat, Run, Void
from reports.analysis.disturbance import must_repeat
from reports.analysis.paired_ratio import looks, percent, rounds_needed
from reports.analysis.rounds import Dataset, build, half_widths, precise
from reports.analysis.text import plural

MOST_IN_A_ROW = 3


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
    how many rounds may be repeated, as a multiple of those that are planned. cells: append those of a round before
    asking for the next."""

    run: Run
    modes: tuple[str, ...]
    retries: int
    proofs: tuple[Proof, ...] = ()
    cells: list[Cell] = field(default_factory=list)
    _began_s: float = 0.0

    def rounds(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Each round's number and order. What ended them is in the record afterwards."""
        most = self.run.rounds_planned or 0
        looks_at = looks(self.dataset().confidence, most)
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
                of = number
            judged = len(self.dataset().rounds)
            if looks_at and judged >= looks_at[0]:
                looks_at = tuple(look for look in looks_at if look > judged)
                if not precise(self.dataset(), self.run.precision):
                    continue
                within = f"±{percent(self.run.precision)} after {plural(self._done, 'round')}"
                return self._stop(f"every interval was within {within}")
        return self._stop(f"the limit of {plural(most, 'round')}")

    def dataset(self) -> Dataset:
        return build(self.run, tuple(self.cells), proofs=self.proofs)

    def void(self, *voids: Void) -> None:
        self.run = replace(self.run, voids=(*self.run.voids, *voids))

    def cells_of(self, number: int) -> Mapping[str, Cell]:
        return {cell.mode: cell for cell in self.cells if cell.round == number}

    def rounds_left(self) -> int:
        """About: as many as the widest interval so far asks for, up to one of the looks."""
        most, dataset = self.run.rounds_planned or 0, self.dataset()
        judged = min(len(dataset.rounds), self._done - len(self.run.repeats))  # where all are kept, repeats are, too
        looks_at = looks(dataset.confidence, most)
        needed = looks_at[0] if self.run.precision else most
        for rounds, width in half_widths(dataset) if self.run.precision else ():
            needed = max(needed, round(rounds * ((width or 0.0) / self.run.precision) ** 2))
        last = next((look for look in looks_at if look >= max(needed, judged)), most)
        left = last - judged
        if self.run.seconds is not None:
            left = min(left, math.floor((self.run.seconds - self._spent_s) / max(self.round_s, 1e-3)))
        return max(0, left)

    @property
    def round_s(self) -> float:
        """How long one took so far, when it is over; 0 before the first."""
        return self._spent_s / self._done if self._done else 0.0

    @property
    def _spent_s(self) -> float:
        return time.monotonic() - self._began_s

    @property
    def _done(self) -> int:
        return len(self.run.order)

    def _repeats(self, number: int) -> bool:
        """Whether a round was lost, or measured something else, and may be repeated. Where one after the other does,
        this machine is like that, and repeating does not help; nor does it where all rounds are kept since they are too
        few for an interval."""
        last = range(max(1, number - MOST_IN_A_ROW + 1), number + 1)
        if len(self.run.repeats) >= self.retries * (self.run.rounds_planned or 0):
            return False
        return self._went_wrong(number) and not (len(last) == MOST_IN_A_ROW and all(map(self._went_wrong, last)))

    def _went_wrong(self, number: int) -> bool:
        cells = self.cells_of(number)
        few = (self.run.rounds_planned or 0) < rounds_needed(self.dataset().confidence)
        return not cells or (not few and bool(must_repeat(cells, self.run)))

    def _time_is_up(self) -> bool:
        return self.run.seconds is not None and self._done > 0 and self._spent_s + self.round_s > self.run.seconds

    def _stop(self, why: str) -> None:
        self.run = replace(self.run, stopped=why)
