"""The table of the classic article, with this machine's numbers beside the published ones.

Its rule: the two are never mixed. The article's are times on its machine; ours are CPU and time here. Only the shape
can be compared: whether the ratio holds over sizes.

Source: Sathish K. Palaniappan and Pramod B. Nagaraja, "Efficient data transfer through zero copy", IBM developerWorks,
2008, table 1: milliseconds for files of so many MB, with read() and write() and with transferTo().
"""

import math
from dataclasses import dataclass

from reports.analysis.text import number, times
from reports.sweep.sweep_data import PointData, SweepData
from units import GIB, MIB

SOURCE = "Palaniappan and Nagaraja, “Efficient data transfer through zero copy”, IBM developerWorks, 2008"
PUBLISHED_MS: tuple[tuple[int, int, int], ...] = (
    (7, 156, 45),
    (21, 337, 128),
    (63, 843, 387),
    (98, 1320, 617),
    (200, 2124, 1150),
    (350, 3631, 1762),
    (700, 13498, 4422),
    (1024, 18399, 8537),
)
NEAR = 1.5  # largest factor between our size and the published size of a row
POINTS = " ".join(f"{megabytes}MiB" for megabytes, _, _ in PUBLISHED_MS)


@dataclass(frozen=True, slots=True)
class Row:
    """Ours: CPU and time in ms per file. published: size, normal and zero-copy in ms, their ratio."""

    size: str
    normal: str
    normal_time: str
    zero_copy: str
    zero_copy_time: str
    ratio: str
    published: tuple[str, str, str, str]


def zero_copy_mode(sweep: SweepData) -> str | None:
    """The first mode without CPU copies if the baseline has some; None if the sweep is about something else."""
    if sweep.sweep.axis != "size":
        return None
    run = sweep.places[0].run
    none = [mode for mode in sweep.others if run.target(mode).copies and run.target(mode).cpu_copies == 0]
    return none[0] if none and run.target(sweep.modes[0]).cpu_copies > 0 else None


def rows(sweep: SweepData, mode: str) -> list[Row]:
    """One for each of our sizes that the article covers."""
    return [_row(sweep, place, mode, near) for place in sweep.places if (near := _near(place.value)) is not None]


def _near(size_bytes: int) -> tuple[int, int, int] | None:
    found = min(PUBLISHED_MS, key=lambda row: abs(math.log(row[0] * MIB / size_bytes)))
    return found if abs(math.log(found[0] * MIB / size_bytes)) <= math.log(NEAR) else None


def _row(sweep: SweepData, place: PointData, mode: str, near: tuple[int, int, int]) -> Row:
    baseline = sweep.modes[0]
    megabytes, normal, zero_copy = near
    published = (f"{megabytes} MB" if megabytes < 1024 else "1 GB", f"{normal:,}", f"{zero_copy:,}")
    return Row(
        sweep.say(place.value),
        *_ours(place, baseline),
        *_ours(place, mode),
        place.ratio_text(mode),
        (*published, times(zero_copy / normal)),
    )


def _ours(place: PointData, mode: str) -> tuple[str, str]:
    """CPU ms per file, and ms from one file to the next at the measured throughput."""
    request_us = place.request_us(mode)
    rate = place.run.dataset.spread(mode, "gib_per_s")
    time_ms = None if rate is None or not rate.median else place.value / GIB / rate.median * 1e3
    return number(None if request_us is None else request_us / 1e3), number(time_ms)
