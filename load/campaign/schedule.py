"""The rounds of a campaign: their planned order, repeats of disturbed ones, and when there have been enough.

Its rule: only precision and disturbances decide, never a result (docs/method.md §4, §6). Precision is checked after
whole blocks of planned rounds, so that positions stay balanced. Disturbed rounds are dropped and repeated after the
planned ones, at most `retries` times; when every repeat of a pass is disturbed, it is the last. So there are at most
rounds · (1 + retries) rounds.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from profiles.store.records import Cell, DeepProfile, Repeat, Run, Void
from reports.analysis.paired_ratio import FEWEST_ROUNDS, family_confidence, paired_ratio, percent
from reports.analysis.rounds import PRIMARY, Dataset, build

LARGEST_BLOCK = 4  # rounds; any stretch of a Latin square has each mode at most once more in a position than another


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
    """run: the record; its order, repeats and stopped are kept up to date. cells: append those of a round before asking
    for the next."""

    run: Run
    retries: int
    cells: list[Cell] = field(default_factory=list)

    def rounds(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        planned = self.run.order
        block = min(len(planned[0]), LARGEST_BLOCK)
        for number, modes in enumerate(planned, 1):
            yield number, modes
            if number >= FEWEST_ROUNDS and number % block == 0 and number < len(planned) and self._precise():
                return self._stop(number)
        for _ in range(self.retries):
            lost = self._lost(len(planned))
            if not lost:
                return None
            if self._precise():
                return self._stop(len(self.run.order), len(lost))
            for of in lost:
                number, modes = len(self.run.order) + 1, planned[of - 1]
                repeats = (*self.run.repeats, Repeat(number, of))
                self.run = replace(self.run, order=(*self.run.order, modes), repeats=repeats)
                yield number, modes
            if len(self._lost(len(planned))) == len(lost):
                return None
        return None

    def void(self, number: int, mode: str, reason: str) -> None:
        """A cell of this round is void; the round is repeated like a disturbed one."""
        self.run = replace(self.run, voids=(*self.run.voids, Void(number, mode, reason)))

    def _precise(self) -> bool:
        records = build(self.run, tuple(self.cells))
        return not records.always_disturbed and precise(records, self.run.precision)

    def _lost(self, planned: int) -> list[int]:
        """The planned rounds that were disturbed or void, as was every repeat of them."""
        disturbed = {*build(self.run, tuple(self.cells)).disturbed, *(void.round for void in self.run.voids)}
        saved = {repeat.of for repeat in self.run.repeats if repeat.round not in disturbed}
        return [number for number in range(1, planned + 1) if number in disturbed and number not in saved]

    def _stop(self, number: int, spared: int = 0) -> None:
        """spared: disturbed rounds that are not run again."""
        why = f"every interval was within ±{percent(self.run.precision)} after {number} rounds"
        ones = "one need" if spared == 1 else "ones need"
        why += f", so that {spared} disturbed {ones} not be run again" if spared else ""
        self.run = replace(self.run, order=self.run.order[:number], stopped=why)


def precise(dataset: Dataset, target: float) -> bool:
    """Whether every compared mode's interval has a half-width of at most the target; never where that is 0."""
    level = family_confidence(len(dataset.others))
    found = [dataset.pairs(mode, PRIMARY) for mode in dataset.others]
    widths = [paired_ratio(pairs, level).half_width if pairs else None for pairs in found]
    return target > 0 and bool(widths) and all(width is not None and width <= target for width in widths)


def perf_unavailable(tried: list[DeepProfile]) -> bool:
    """Whether perf was refused, or showed nothing of the first two modes: then it will not work for the others."""
    return any(one.cell is None for one in tried) or (len(tried) > 1 and not any(one.folded for one in tried))
