"""Several runs in the terminal: the list of all, the comparison of two, a gate.

Its rule: as for one run (reports/terminal.py), a name cannot steer the terminal, and piped output is never cut.
"""

from rich.table import Table
from rich.text import Text

from reports.analysis.paired_ratio import percent
from reports.analysis.text import interval, plural, printable, times
from reports.analysis.unpaired_ratio import CAVEAT
from reports.comparison import text
from reports.comparison.comparison import CONFIDENCE, Comparison
from reports.comparison.gate import Gate
from reports.history.entries import Entry, History, ModeEntry
from reports.terminal import open_console, print_line

PIPED_WIDTH = 500
_STYLES = {"pass": "green", "regression": "bold red", "inconclusive": "yellow"}


def show_history(history: History) -> None:
    """The latest run last, then what could not be read."""
    console = open_console(PIPED_WIDTH)
    if history.readable:
        table = _table("Runs", "run", "started", "validity", "rounds", "ratio to the baseline", "machine", "kernel")
        for entry in history.readable:
            ratios = "\n".join(ratio(mode) for mode in history.modes[entry.name] if mode.mode != entry.baseline)
            validity = entry.validity if entry.state == "done" else f"{entry.validity}, {entry.state}"
            facts = (entry.name, started(entry), validity, str(entry.rounds), ratios or "nothing to compare")
            _row(table, *facts, entry.machine, entry.kernel)
        console.print(table)
    for entry in history.entries:
        if entry.broken is not None:
            print_line(console, f"not listed: {entry.name}: {entry.broken}", "yellow")
    if not history.entries:
        print_line(console, "there is no run yet; `make load` makes one")


def started(entry: Entry) -> str:
    """To the minute, UTC: 2026-11-22 11:30."""
    return entry.started_at[:16].replace("T", " ")


def ratio(mode: ModeEntry) -> str:
    """sendfile 0.72x [0.67, 0.75]; what there is where there is no interval."""
    if mode.void:
        return f"{mode.mode} void"
    if mode.ratio is None:
        return f"{mode.mode} unknown"
    if mode.ratio_low is None or mode.ratio_high is None:
        return f"{mode.mode} {times(mode.ratio)} (too few rounds)"
    return f"{mode.mode} {interval(mode.ratio, mode.ratio_low, mode.ratio_high)}"


def show_comparison(comparison: Comparison) -> None:
    """The differences first, then the numbers, then what they cannot say."""
    console = open_console(PIPED_WIDTH)
    a, b = comparison.a.run, comparison.b.run
    print_line(console, f"A: run {a.name} of {a.started_at}")
    print_line(console, f"B: run {b.name} of {b.started_at}")
    if comparison.differences:
        table = _table("What differs", "", "A", "B")
        for each in comparison.differences:
            _row(table, each.name, each.a, each.b, style="bold" if each.matters else "")
        console.print(table)
    else:
        print_line(console, "nothing on record differs")
    if comparison.question:
        print_line(console, f"the runs do not answer the same question: {comparison.question}", "red")
    titles = ("Server CPU s/GiB", f"Ratio to {comparison.reference}, paired within each run")
    for title, lines in zip(titles, (text.costs(comparison), text.ratios(comparison)), strict=True):
        if lines:
            table = _table(printable(title), "mode", "A", "B", "B over A")
            for line in lines:
                _row(table, line.mode, line.a, line.b, line.across)
            console.print(table)
    if comparison.missing:
        print_line(console, f"in one run only: {', '.join(comparison.missing)}")
    print_line(console, f"intervals of {percent(CONFIDENCE)} each; B over A {CAVEAT}")


def show_gate(gate: Gate) -> None:
    """One line per mode, and what was judged."""
    console = open_console(PIPED_WIDTH)
    what = f"cost relative to {gate.reference}" if gate.reference else "server CPU s/GiB"
    print_line(console, f"{what} of run {gate.run} over that of run {gate.baseline}; {CAVEAT}")
    for judgement in gate.judgements:
        print_line(console, f"{judgement.outcome}: {judgement.mode}: {judgement.text}", _STYLES[judgement.outcome])
    judged = plural(len(gate.judgements), "mode")
    print_line(console, f"{gate.outcome}: {judged} judged, limit {gate.maximum:g}x", _STYLES[gate.outcome])


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading)
    return table


def _row(table: Table, *cells: str, style: str = "") -> None:
    """Lines of a cell stay lines; every other sign that could steer the terminal becomes visible."""
    table.add_row(*(Text("\n".join(printable(line) for line in cell.split("\n")), style=style) for cell in cells))
