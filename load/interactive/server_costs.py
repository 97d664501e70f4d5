"""What servers paid in a load by hand, beside Locust's own numbers, which are those of the clients.

Its rule: it is in each of Locust's outputs: the summary at the end, the file of --html, and a file more of --csv. A
number that is not known is shown as unknown, with the reason.
"""

import csv
import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from profiles.store.records import Cell
from reports.analysis.text import quantity
from units import GIB

NOTHING_PAIRED = "interactive: nothing is paired, so nothing is concluded"
PER_GIB = ("server_user_s", "server_system_s", "voluntary_switches", "involuntary_switches")

# The columns of the file, by metric, and of the table, with a unit.
CSV_COLUMNS = {
    "server_cpu_s_per_gib": "Server CPU s/GiB",
    "server_user_s": "Server user CPU s/GiB",
    "server_system_s": "Server system CPU s/GiB",
    "voluntary_switches": "Voluntary Switches/GiB",
    "involuntary_switches": "Involuntary Switches/GiB",
    "peak_rss_bytes": "Peak Memory Bytes",
    "gib_per_s": "GiB/s",
}
SHOWN = {
    "server_cpu_s_per_gib": ("CPU s/GiB", ""),
    "server_user_s": ("user", ""),
    "server_system_s": ("system", ""),
    "gib_per_s": ("GiB/s", ""),
    "peak_rss_bytes": ("peak memory", "bytes"),
}


@dataclass(frozen=True, slots=True)
class ServerCosts:
    """Of one load. modes: that were loaded. cells: of those that were measured; lost: why others were not."""

    modes: Sequence[str]
    cells: Mapping[str, Cell]
    lost: Mapping[str, str]

    @property
    def notes(self) -> list[str]:
        unmeasured = (mode for mode in self.modes if mode not in self.cells)
        return [f"{mode}: {self.lost.get(mode, 'no download was tried')}" for mode in unmeasured]

    @property
    def titles(self) -> list[str]:
        return [title for title, _ in SHOWN.values()]

    @property
    def rows(self) -> Iterator[tuple[str, list[str]]]:
        """Each mode with its numbers as text."""
        for mode in self.modes:
            values = _values(self.cells.get(mode))
            yield mode, [quantity(values[metric], unit) for metric, (_, unit) in SHOWN.items()]

    def print(self) -> None:
        """Where Locust prints its own summary."""
        say = logging.getLogger("locust.stats_logger").info
        name = max(len(mode) for mode in [*self.modes, "Name"])
        say(f"What the servers paid ({NOTHING_PAIRED})")
        say(_line("Name", self.titles, name))
        say("-" * len(_line("", self.titles, name)))
        for mode, cells in self.rows:
            say(_line(mode, cells, name))
        for note in self.notes:
            say(note)
        say("")

    def csv(self) -> str:
        """One row per mode; what is not known is empty."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(["Name", "Received Bytes", "Downloads", "Failures", *CSV_COLUMNS.values()])
        for mode in self.modes:
            cell = self.cells.get(mode)
            counts = (cell.received_bytes, cell.downloads, cell.failures) if cell else ("", "", "")
            values = _values(cell)
            known = ("" if values[metric] is None else values[metric] for metric in CSV_COLUMNS)
            writer.writerow([mode, *counts, *known])
        return out.getvalue()


def _values(cell: Cell | None) -> dict[str, float | None]:
    if cell is None:
        return dict.fromkeys(CSV_COLUMNS)
    gib = cell.received_bytes / GIB
    values = {metric: cell.metrics.get(metric) for metric in CSV_COLUMNS}
    per_gib = {metric: value / gib if (value := values[metric]) is not None and gib else None for metric in PER_GIB}
    return values | per_gib


def _line(name: str, cells: Sequence[str], name_width: int) -> str:
    return f"{name:<{name_width}} " + " ".join(f"{cell:>12}" for cell in cells)
