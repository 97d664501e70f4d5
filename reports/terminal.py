"""A run in the terminal: a table, the verdicts, and what speaks against them, each in one line.

Its rule: piped output is plain text that is neither wrapped nor cut, and a name cannot steer the terminal. Rounds are
counted and never listed.
"""

import sys
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from profiles.store.sending import sentences
from reports.analysis.rounds import PRIMARY
from reports.analysis.text import median, plural, printable
from reports.analysis.validity import left_out
from reports.analysis.workload import caption
from reports.explanations import floor_text
from reports.run_data import INTERACTIVE, RunData

PIPED_WIDTH = 500

COLUMNS: tuple[tuple[str, str, bool, str], ...] = (
    ("CPU s/GiB", PRIMARY, False, ""),
    ("GiB/s", "gib_per_s", False, ""),
    ("ctx switches/GiB", "switches", True, ""),
    ("peak memory", "peak_rss_bytes", False, "bytes"),
)


def show(run: RunData, console: Console | None = None, more: Iterable[str] = ()) -> None:
    """Print each answered question. more: lines for the end."""
    console = console or open_console()
    for answer in run.answers:
        _show(answer, console)
    if run.no_paced:
        print_line(console, f"the paced question has no answer: {run.no_paced}", "yellow")
    for line in more:
        print_line(console, line)


def _show(run: RunData, console: Console) -> None:
    rounds = plural(len(run.dataset.rounds), "complete round")
    kind = " (exploratory)" if run.run.quick else ""
    print_line(console, f"{run.run.name}{kind}: medians of {rounds}, {caption(run.run)}", "italic")
    console.print(_table(run))
    if run.interactive:
        print_line(console, INTERACTIVE, "bold")
    for verdict in run.verdicts:
        print_line(console, verdict.line, "bold")
    for said in (*sentences(run.dataset.proofs), *run.worth, *run.disk):
        print_line(console, said)
    void = {verdict.mode for verdict in run.verdicts if verdict.kind == "void"}
    for (kind, text), modes in run.validity.said("void", "caution").items():
        if kind == "void" and modes and void.issuperset(modes):
            continue  # its verdict says so
        about = f" {', '.join(modes)}:" if modes else ""
        print_line(console, f"{kind}:{about} {text}", "red" if kind == "void" else "yellow")
    for text in _rounds(run):
        print_line(console, text, "dim")
    for text in run.ranking:
        print_line(console, text, "bold")


def _rounds(run: RunData) -> Iterator[str]:
    """What ended the run, how many rounds were left out, and the A/A floor."""
    if run.run.stopped:
        yield f"ended by: {run.run.stopped}"
    if text := left_out(run.dataset):
        yield text
    if run.floor:
        yield floor_text(run.floor, run.run.name)


def open_console() -> Console:
    """Standard output; wide enough for every table where it is no terminal."""
    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def print_line(console: Console, text: str, style: str = "") -> None:
    """One line of the output, however long."""
    console.print(Text(printable(text), style=style), soft_wrap=True)


def _table(run: RunData) -> Table:
    table = Table()
    table.add_column("mode", overflow="fold")
    for title, *_ in COLUMNS:
        table.add_column(title, justify="right")
    for mode in run.dataset.modes:
        table.add_row(Text(printable(mode)), *row_of(run, mode))
    return table


def row_of(run: RunData, mode: str) -> list[str]:
    """The medians of a mode, in the order of COLUMNS."""
    return [
        median(run.dataset.switches(mode))
        if metric == "switches"
        else median(run.dataset.spread(mode, metric, per_gib=per), unit)
        for _, metric, per, unit in COLUMNS
    ]


def table_of(title: str, *headings: str) -> Table:
    """A table whose cells are folded where they do not fit, and never cut."""
    table = Table(title=title or None, title_justify="left")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def add_row(table: Table, *cells: str, style: str = "") -> None:
    """Add a row; a cell may have several lines."""
    table.add_row(*(Text("\n".join(printable(line) for line in cell.split("\n")), style=style) for cell in cells))
