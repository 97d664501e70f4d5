"""The runs that asked the same as one, a row each: for programs that look for the run in which a number changed, like
Apache Otava (docs/report.md).

Its rule: no cell is empty, since those programs want numbers. A run that lacks a mode, or in which one is void, has no
row. Rounds of two runs were never paired: whether a step is real is for those programs to say, over many runs.
"""

from pathlib import Path

from reports.export.table import Table, Value
from reports.history.entries import Entry, entry_of, history
from reports.run_data import RunData


def trend(run: RunData, profiles: Path) -> Table:
    """Oldest first. Of each mode what it cost, MODE_s_per_gib, and its ratio to the baseline, MODE_to_baseline."""
    own = entry_of(run.run.name, run)
    modes = [mode for mode in run.dataset.modes if mode not in run.void]
    ratios = [mode for mode in modes if mode != own.baseline]
    alike = [each for each in history(profiles).readable if _asks(each) == _asks(own)]
    rows = [row for each in alike if None not in (row := _row(each, modes, ratios))]
    columns = ("time", "run", *(f"{mode}_s_per_gib" for mode in modes), *(f"{mode}_to_baseline" for mode in ratios))
    return Table(columns, (str, str, *[float] * (len(columns) - 2)), tuple(rows))


def _asks(entry: Entry) -> tuple[str, str]:
    return entry.question, entry.baseline


def _row(entry: Entry, modes: list[str], ratios: list[str]) -> tuple[Value, ...]:
    found = {each.mode: each for each in entry.modes if not each.void}
    costs = [found[mode].cost if mode in found else None for mode in modes]
    to_baseline = [found[mode].ratio if mode in found else None for mode in ratios]
    return (entry.started_at, entry.name, *(each and each[0] for each in (*costs, *to_baseline)))
