"""The list of all runs in the terminal: it fits into 80 columns, with names whole.

Its rule: what all runs of a table share, the machine and its kernel, is said once, above it.
"""

from collections.abc import Iterable, Mapping

from rich.console import Console

from reports.analysis.text import interval, plural
from reports.history.entries import Entry, History, ModeEntry
from reports.terminal import add_row, open_console, print_line, table_of

WHOLE_NAME = 32  # columns that a name may have before it is folded


def show_history(history: History) -> None:
    """The latest run last, then those that cannot be read."""
    console = open_console()
    for where, entries in _by_machine(history.readable).items():
        print_line(console, f"Runs on {where}", "italic")
        _show(console, entries)
    for entry in history.entries:
        if entry.broken is not None:
            print_line(console, f"not listed: {entry.name}: {entry.broken}", "yellow")
    if not history.entries:
        print_line(console, "there is no run yet; measure one with `make load`")


def _by_machine(entries: Iterable[Entry]) -> Mapping[str, list[Entry]]:
    """The runs of each machine and kernel; those of the latest run last."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        where = f"{entry.machine}, {entry.kernel}"
        found[where] = [*found.pop(where, []), entry]
    return found


def _show(console: Console, entries: list[Entry]) -> None:
    table = table_of("", "run", "result", "ratio to the baseline")
    table.columns[0].min_width = min(WHOLE_NAME, max(len(entry.name) for entry in entries))
    for entry in entries:
        ratios = "\n".join(ratio(mode) for mode in entry.modes if mode.mode != entry.baseline)
        about = (entry.state if entry.state != "done" else "", "exploratory" if entry.quick else "")
        result = "\n".join([entry.badge, plural(entry.rounds, "round"), *filter(None, about)])
        add_row(table, f"{entry.name}\n{started(entry)}", result, ratios or "only the baseline")
    console.print(table)


def started(entry: Entry) -> str:
    """To the minute, UTC: 2026-11-22 11:30."""
    return entry.started_at[:16].replace("T", " ")


def ratio(mode: ModeEntry) -> str:
    """sendfile 0.72x [0.67, 0.75]"""
    if mode.void:
        return f"{mode.mode} void"
    if mode.ratio is None:
        return f"{mode.mode} unknown"
    few = " (too few rounds)" if mode.ratio[1] is None else ""
    return f"{mode.mode} {interval(*mode.ratio)}{few}"
