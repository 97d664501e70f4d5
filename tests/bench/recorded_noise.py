"""Slices of one mode, recorded on the machine itself, as a pair whose true ratio is 1 with the machine's real noise.

Its rule: nothing is drawn but what a campaign draws too: which rounds there are, and the order of each sweep. One
mode's slices, in the order in which they ran, are dealt to two halves as a round deals its turns to two modes: A B B A,
or B A A B. Because either is as likely, neither half can be the cheaper one, however the noise hangs together; halves
that were fixed once would differ in these rounds by chance, and every campaign that is drawn from them would see it.
"""

import math
import random
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from errors import UserError
from profiles.store.records import Slice
from reports.analysis.paired_ratio import Paired, looks, paired_ratio
from reports.analysis.verdict import delta

CONFIDENCE = 0.975  # of each of two comparisons, as in the default campaign
MOST_ROUNDS = 24
SWEEP = 4  # slices: A B B A

Round = Sequence[Slice]  # one mode's slices in one round, in the order in which they ran


def by_mode(slices: Iterable[Slice]) -> dict[str, list[Round]]:
    """Mode to its rounds. Raises UserError where a slice has no cost."""
    found: dict[str, dict[int, list[Slice]]] = {}
    for one in slices:
        if not one.server_cpu_s or not one.received_bytes:
            raise UserError(f"slice {one.number} of round {one.round} ({one.mode}) has no CPU time, or no bytes")
        found.setdefault(one.mode, {}).setdefault(one.round, []).append(one)
    return {mode: list(rounds.values()) for mode, rounds in found.items()}


def halves(turns: Round, chance: random.Random, length: int = 1) -> tuple[list[Slice], list[Slice]]:
    """Two halves of a round. length: so many slices in a row are one turn; what is left over is in neither half."""
    whole = len(turns) - len(turns) % (2 * length)
    longer = [turns[at : at + length] for at in range(0, whole, length)]
    sides: tuple[list[Slice], list[Slice]] = ([], [])
    for at in range(0, len(longer), SWEEP):
        first = chance.randrange(2)
        for place, turn in enumerate(longer[at : at + SWEEP]):
            sides[first ^ (place in (1, 2))].extend(turn)
    return sides


def cost(turns: Iterable[Slice]) -> float:
    """CPU seconds per byte: the sum over the slices, as in a cell."""
    spent = [(one.server_cpu_s or 0.0, one.received_bytes) for one in turns]
    return sum(cpu_s for cpu_s, _ in spent) / sum(count for _, count in spent)


def campaign(rounds: Sequence[Round], effect: float, target: float, chance: random.Random) -> Paired:
    """What a campaign ends with whose rounds are drawn from these, with the real looks and the real interval. effect:
    the true ratio. target: the half width at which it stops."""
    pairs: list[tuple[float, float]] = []
    for look in looks(CONFIDENCE, MOST_ROUNDS):
        while len(pairs) < look:
            ours, other = halves(chance.choice(rounds), chance)
            pairs.append((effect * cost(ours), cost(other)))
        found = paired_ratio(pairs, CONFIDENCE)
        if found.half_width is not None and found.half_width <= target:
            break
    return found


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of many campaigns. covered: the share whose interval held the truth. wrong: the share with a verdict that is not
    true. rounds: on average. half_width: of the middle one."""

    covered: float
    wrong: float
    rounds: float
    half_width: float


def coverage(rounds: Sequence[Round], effect: float, target: float, campaigns: int, seed: str) -> Coverage:
    chance = random.Random(seed)
    found = [campaign(rounds, effect, target, chance) for _ in range(campaigns)]
    return Coverage(
        statistics.mean(_holds(one, effect) for one in found),
        statistics.mean(_is_wrong(one, effect) for one in found),
        statistics.mean(one.rounds for one in found),
        statistics.median(one.half_width or math.inf for one in found),
    )


def _holds(found: Paired, truth: float) -> bool:
    return found.low is not None and found.high is not None and found.low <= truth <= found.high


def _is_wrong(found: Paired, truth: float) -> bool:
    """Whether its verdict (docs/method.md §5) denies the truth."""
    margin, low, high = delta(None), found.low or 0.0, found.high or math.inf
    less, more, same = high < 1 - margin, low > 1 + margin, 1 - margin <= low and high <= 1 + margin
    return (less and truth >= 1 - margin) or (more and truth <= 1 + margin) or (same and abs(truth - 1) > margin + 1e-9)


def autocorrelation(rounds: Sequence[Round], lags: int) -> tuple[float, list[float]]:
    """The standard deviation of the log cost of a slice, and how slices of a round hang together that are 1 … lags
    turns of the mode apart. Around the mean of all rounds, so that what a round's slices share counts as well."""
    logs = [[math.log(cost([one])) for one in turns] for turns in rounds]
    middle = statistics.mean(value for values in logs for value in values)
    off = [[value - middle for value in values] for values in logs]
    variance = statistics.mean(value**2 for values in off for value in values)
    shares = []
    for lag in range(1, lags + 1):
        products = [a * b for values in off for a, b in zip(values, values[lag:], strict=False)]
        if products:
            shares.append(statistics.mean(products) / variance)
    return math.sqrt(variance), shares


def lag_s(rounds: Sequence[Round]) -> float:
    """Seconds from one turn of a mode to its next one, the middle of all."""
    return statistics.median(b.started_s - a.started_s for turns in rounds for a, b in pairwise(turns))


def scatter(rounds: Sequence[Round], length: int, draws: int = 20) -> float:
    """The standard deviation of the log ratio of a round's halves, with `length` slices in a row as one turn."""
    chance = random.Random(length)
    pairs = [halves(turns, chance, length) for turns in rounds for _ in range(draws)]
    return math.sqrt(statistics.mean(math.log(cost(a) / cost(b)) ** 2 for a, b in pairs))


def lengths(rounds: Sequence[Round]) -> list[int]:
    """1, 2, 4, … slices, as long as every round can be halved."""
    most = min(len(turns) for turns in rounds) // 2
    return [1 << power for power in range(most.bit_length())]


@dataclass(frozen=True, slots=True)
class Choice:
    """A campaign of rounds with so many sweeps. round_s: seconds of a round. half_widths: by the number of rounds, the
    median over draws. to_target_s: until 9 of 10 draws were precise enough; None: not within the looks."""

    sweeps: int
    round_s: float
    half_widths: Mapping[int, float]
    to_target_s: float | None


def choices(slices: Sequence[Slice], baseline: str, target: float, draws: int = 200) -> list[Choice]:
    """What fewer sweeps would have given, for every number of sweeps up to the recorded one."""
    modes = by_mode(slices)
    recorded = min(len(turns) for rounds in modes.values() for turns in rounds) // 2
    start_s, sweep_s = _times(slices, recorded)
    return [
        _choice(modes, baseline, sweeps, start_s + sweeps * sweep_s, target, draws) for sweeps in range(1, recorded + 1)
    ]


def _times(slices: Sequence[Slice], sweeps: int) -> tuple[float, float]:
    """Seconds, the median: from a round's last slice to the next round's first one, and of a sweep."""
    rounds: dict[int, list[Slice]] = {}
    for one in slices:
        rounds.setdefault(one.round, []).append(one)
    spans = [(turns[0].started_s, turns[-1].started_s + turns[-1].wall_s) for turns in rounds.values()]
    start_s = statistics.median(after - before for (_, before), (after, _) in pairwise(spans))
    return start_s, statistics.median(last - first for first, last in spans) / sweeps


def _choice(
    modes: Mapping[str, Sequence[Round]], baseline: str, sweeps: int, round_s: float, target: float, draws: int
) -> Choice:
    chance = random.Random(sweeps)
    at = looks(CONFIDENCE, MOST_ROUNDS)
    widths: dict[int, list[float]] = {look: [] for look in at}
    for _ in range(draws):
        drawn = [_drawn(modes, sweeps, chance) for _ in range(MOST_ROUNDS)]
        for look in at:
            widths[look].append(max(_half_width(drawn[:look], mode, baseline) for mode in modes if mode != baseline))
    enough = (look for look in at if statistics.quantiles(widths[look], n=10)[-1] <= target)
    first = next(enough, None)
    middle = {look: statistics.median(found) for look, found in widths.items()}
    return Choice(sweeps, round_s, middle, None if first is None else first * round_s)


def _drawn(modes: Mapping[str, Sequence[Round]], sweeps: int, chance: random.Random) -> dict[str, float]:
    """The costs of a round with so many of the sweeps of a recorded one, in a row."""
    number = chance.randrange(min(map(len, modes.values())))
    recorded = min(len(rounds[number]) for rounds in modes.values()) // 2
    at = 2 * chance.randint(0, recorded - sweeps)
    return {mode: cost(rounds[number][at : at + 2 * sweeps]) for mode, rounds in modes.items()}


def _half_width(drawn: Sequence[Mapping[str, float]], mode: str, baseline: str) -> float:
    return paired_ratio([(costs[mode], costs[baseline]) for costs in drawn], CONFIDENCE).half_width or math.inf
