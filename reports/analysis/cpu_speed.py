"""Were the servers' CPUs always equally fast? By a fixed loop between cells (profiles/metrics/cpu_speed.py). Pure.

Its rule: uneven speed widens intervals and favours nobody, so it drops no round; it is a caution that explains them.
"""

import statistics
from dataclasses import dataclass

from reports.analysis.rounds import Dataset

FEWEST_CELLS = 10
MOST_RATIO = 1.15


@dataclass(frozen=True, slots=True)
class CpuSpeed:
    """CPU time of the loop in µs: 10th and 90th percentile of the judged cells."""

    low_us: float
    high_us: float

    @property
    def ratio(self) -> float:
        return self.high_us / self.low_us

    @property
    def uneven(self) -> bool:
        return self.ratio > MOST_RATIO


def cpu_speed(dataset: Dataset) -> CpuSpeed | None:
    """None where it was not measured, or in fewer than FEWEST_CELLS cells."""
    cells = [cell for cells in dataset.rounds for cell in cells.values()]
    known = [us for cell in cells if (us := cell.metrics.get("cpu_probe_us"))]
    if len(known) < FEWEST_CELLS:
        return None
    tenths = statistics.quantiles(known, n=10, method="inclusive")
    return CpuSpeed(tenths[0], tenths[-1])
