"""Where the same modes were read from the page cache and from the disk: does the disk drown the copies? Pure.

Its rule: every ratio is paired within rounds, cold with cold and warm with warm. What a cold download takes beyond a
warm one is the disk's time; it drowns the copies where it is more than half of the cold download, interval and all.
"""

from collections.abc import Collection, Sequence

from reports.analysis.paired_ratio import FAMILY_CONFIDENCE, Paired, family_confidence, paired_ratio, percent
from reports.analysis.rounds import PRIMARY, Dataset
from reports.analysis.text import interval, number, plural
from units import GIB, format_size

COLD = "@cold"  # in the name of a mode that is read from the disk (profiles/targets/variants.py)
DROWNS = 0.5  # of the time of a cold download
SPEED = "gib_per_s"

Pair = tuple[str, str]  # a mode from the page cache, and the same from the disk


def beside_the_disk(dataset: Dataset, void: Collection[str]) -> tuple[str, ...]:
    """Whether the disk drowns the copies, then a line for each mode that was read from both, and one for each beside
    the first of them; none where no mode was. void: modes whose numbers must not be used."""
    pairs = sorted(_pairs(dataset, void), key=lambda pair: pair[0] != dataset.run.baseline)
    if not pairs:
        return ()
    first, *others = pairs
    intervals = 2 * len(pairs) + 4 * len(others)
    level = FAMILY_CONFIDENCE if dataset.run.quick else family_confidence(intervals)
    kind = "exploratory, " if dataset.run.quick else ""
    evidence = f"({kind}{plural(len(dataset.rounds), 'round')}, {percent(level)} CI)"
    return (
        f"{_drowns(_slower(dataset, first[1], first[0], level), first[0])} {evidence}",
        *(_cold_beside_warm(dataset, pair, level) for pair in pairs),
        *(_beside(dataset, first, other, level) for other in others),
    )


def _pairs(dataset: Dataset, void: Collection[str]) -> list[Pair]:
    both = [(mode.replace(COLD, ""), mode) for mode in dataset.modes if dataset.run.cache == "both"]
    known = {*dataset.modes}.difference(void)
    return [pair for pair in both if pair[0] != pair[1] and known.issuperset(pair) and _have_times(dataset, pair)]


def _have_times(dataset: Dataset, pair: Pair) -> bool:
    return bool(dataset.pairs(pair[1], SPEED, against=pair[0]))


def _cold_beside_warm(dataset: Dataset, pair: Pair, level: float) -> str:
    """read-send: a download of 32 MiB takes 13 ms from the page cache and 92 ms from the disk, 7.1x [6.8, 7.4], …"""
    warm, cold = pair
    size_bytes = dataset.run.file.size_bytes
    taken = " and ".join(
        f"{_milliseconds(dataset, mode, size_bytes)} from the {place}"
        for mode, place in ((warm, "page cache"), (cold, "disk"))
    )
    slower = interval(*_slower(dataset, cold, warm, level).estimate)
    return f"{warm}: a download of {format_size(size_bytes)} takes {taken}, {slower}{_cpu(dataset, cold, warm, level)}"


def _beside(dataset: Dataset, first: Pair, other: Pair, level: float) -> str:
    """sendfile beside read-send: from the page cache 0.50x [0.48, 0.52] the time, …; from the disk 0.99x […] …"""
    said = [
        f"from the {place} {interval(*_slower(dataset, mode, beside, level).estimate)} the time"
        f"{_cpu(dataset, mode, beside, level)}"
        for place, mode, beside in zip(("page cache", "disk"), other, first, strict=True)
    ]
    return f"{other[0]} beside {first[0]}: {'; '.join(said)}"


def _drowns(slower: Paired, mode: str) -> str:
    """slower: how much longer a cold download of this mode takes than a warm one."""
    share, *ends = (None if ratio is None else 1 - 1 / ratio for ratio in slower.estimate)
    low, high = ends
    bounds = "" if low is None or high is None else f" [{100 * low:.0f}, {100 * high:.0f}]"
    figures = f"its time is {100 * (share or 0.0):.0f} %{bounds} of a cold download of {mode}"
    if low is not None and low > DROWNS:
        return f"the disk drowns the copies: {figures}"
    if high is not None and high < DROWNS:
        return f"the disk does not drown the copies: {figures}"
    return f"it is unclear whether the disk drowns the copies: {figures}"


def _milliseconds(dataset: Dataset, mode: str, size_bytes: int) -> str:
    """Of a download, the median over the rounds."""
    spread = dataset.spread(mode, SPEED)
    return f"{number(None if spread is None else 1000 * size_bytes / GIB / spread.median)} ms"


def _slower(dataset: Dataset, mode: str, against: str, level: float) -> Paired:
    """The ratio of the times of a download."""
    return paired_ratio(dataset.pairs(mode, SPEED, against=against), level).inverted


def _cpu(dataset: Dataset, mode: str, against: str, level: float) -> str:
    pairs: Sequence[tuple[float, float]] = dataset.pairs(mode, PRIMARY, against=against)
    return f", {interval(*paired_ratio(pairs, level).estimate)} the server CPU per GiB" if pairs else ""
