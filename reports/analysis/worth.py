"""What a server of the user's own pays beside our sendfile and read-send, in the same rounds: what its way is worth.

Its rule: a ratio is paired, with its interval, and never that of two ratios to the baseline.
"""

from collections.abc import Collection, Iterator, Sequence

from reports.analysis.paired_ratio import FAMILY_CONFIDENCE, Paired, family_confidence, paired_ratio, percent
from reports.analysis.rounds import PRIMARY, Dataset
from reports.analysis.text import interval, plural

YARDSTICKS = ("sendfile", "read-send")


def worth(dataset: Dataset, void: Collection[str]) -> tuple[str, ...]:
    """A line for each such server: caddy pays 1.31x [1.25, 1.37] of sendfile's server CPU per GiB, 0.60x [0.57, 0.63]
    of read-send's. void: modes whose numbers must not be used."""
    own = [
        target.name for target in dataset.run.targets if target.external is not None and target.name in dataset.modes
    ]
    yardsticks = [mode for mode in YARDSTICKS if mode in dataset.modes and mode not in void]
    confidence = FAMILY_CONFIDENCE if dataset.run.quick else family_confidence(len(own) * len(yardsticks))
    said = []
    for mode in (mode for mode in own if mode not in void):
        ratios = dict(ratios_of(dataset, mode, yardsticks, confidence))
        if ratios:
            said.append(_line(mode, ratios, dataset.run.quick))
    return tuple(said)


def ratios_of(
    dataset: Dataset, mode: str, yardsticks: Sequence[str], confidence: float
) -> Iterator[tuple[str, Paired]]:
    """What the mode pays of each yardstick's cost, where rounds have both."""
    for yardstick in yardsticks:
        if pairs := dataset.pairs(mode, PRIMARY, against=yardstick):
            yield yardstick, paired_ratio(pairs, confidence)


def _line(mode: str, ratios: dict[str, Paired], is_quick: bool) -> str:
    said = [f"{interval(*paired.estimate)} of {yardstick}'s" for yardstick, paired in ratios.items()]
    first, *others = said
    known = [paired for paired in ratios.values() if paired.low is not None]
    level = f", {percent(known[0].confidence)} CI" if known else ""
    rounds = min(paired.rounds for paired in ratios.values())
    kind = "exploratory, " if is_quick else ""
    return f"{mode} pays {', '.join([f'{first} server CPU per GiB', *others])} ({kind}{plural(rounds, 'round')}{level})"
