"""The list of all runs in the terminal."""

from reports.analysis.text import interval
from reports.history.entries import Entry, History, ModeEntry
from reports.terminal import add_row, open_console, print_line, table_of


def show_history(history: History) -> None:
    """The latest run last, then those that cannot be read."""
    console = open_console()
    if history.readable:
        table = table_of("Runs", "run", "started", "validity", "rounds", "ratio to the baseline", "machine", "kernel")
        for entry in history.readable:
            ratios = "\n".join(ratio(mode) for mode in entry.modes if mode.mode != entry.baseline)
            states = (
                entry.badge,
                entry.state if entry.state != "done" else "",
                "exploratory" if entry.quick else "",
            )
            validity = ", ".join(filter(None, states))
            facts = (entry.name, started(entry), validity, str(entry.rounds), ratios or "only the baseline")
            add_row(table, *facts, entry.machine, entry.kernel)
        console.print(table)
    for entry in history.entries:
        if entry.broken is not None:
            print_line(console, f"not listed: {entry.name}: {entry.broken}", "yellow")
    if not history.entries:
        print_line(console, "there is no run yet; measure one with `make load`")


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
