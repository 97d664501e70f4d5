"""How long a mode's downloads took, merged from the histograms of its cells.

Its rule: histograms are added, percentiles never are; and none is given from fewer than 1,000 downloads
(docs/method.md §4).
"""

from dataclasses import dataclass

from hdrh.histogram import HdrHistogram

from errors import UserError
from profiles.store.records import Cell
from reports.analysis.rounds import Dataset

ENOUGH = 1000
LOWEST_US, HIGHEST_US, DIGITS = 1, 3_600_000_000, 3


@dataclass(frozen=True, slots=True)
class Latencies:
    """All downloads of a mode in the complete rounds, in microseconds."""

    count: int
    lowest_us: float
    highest_us: float
    percentiles_us: dict[float, float]
    histogram: HdrHistogram

    @property
    def mean_us(self) -> float:
        """From the middle of each bucket. The histogram's own get_mean_value() walks over all possible values."""
        counts = ((index, count) for index, count in enumerate(self.histogram.counts) if count)
        return float(sum(count * _middle_us(self.histogram, index) for index, count in counts)) / self.count


def _middle_us(histogram: HdrHistogram, index: int) -> int:
    lowest: int = histogram.get_value_from_index(index)
    highest: int = histogram.get_highest_equivalent_value(lowest)
    return lowest + (highest - lowest + 1) // 2


def latencies(dataset: Dataset, mode: str) -> Latencies | None:
    """None without a download; the percentiles are empty below 1,000 of them."""
    total = HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)
    for cell in dataset.cells_of(mode):
        if cell.latency_histogram:
            total.add(_decoded(cell))
    count = total.get_total_count()
    if not count:
        return None
    wanted = (50.0, 90.0, 99.0, 99.9) if count >= ENOUGH else ()
    found = total.get_percentile_to_value_dict(wanted)
    percentiles = {share: float(found[share]) for share in wanted}
    return Latencies(count, float(total.get_min_value()), float(total.get_max_value()), percentiles, total)


def _decoded(cell: Cell) -> HdrHistogram:
    try:
        return HdrHistogram.decode(cell.latency_histogram)
    except Exception as error:  # hdrh lets zlib, base64, struct and its own errors through
        raise UserError(
            f"the latency histogram of {cell.mode} in round {cell.round} cannot be decoded ({error}): "
            f"remove that line from rounds.jsonl, or empty its latency_histogram"
        ) from error
