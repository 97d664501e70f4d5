"""A run in the terminal: a table, the verdicts, and what speaks against them, each in one line.

Its rule: piped output is plain text that is neither wrapped nor cut, and a name cannot steer the terminal. Rounds are
counted and never listed.
"""

import sys
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reports.analysis.findings import Severity
from reports.analysis.rounds import PRIMARY
from reports.analysis.text import median, plural, printable
from reports.analysis.validity import left_out
from reports.analysis.workload import caption
from reports.explanations import floor_text
from reports.run_data import INTERACTIVE, RunData

PIPED_WIDTH = 500

_COLUMNS: tuple[tuple[str, str, bool, str], ...] = (
    ("CPU s/GiB", PRIMARY, False, ""),
    ("GiB/s", "gib_per_s", False, ""),
    ("ctx switches/GiB", "switches", True, ""),
    ("peak memory", "peak_rss_bytes", False, "bytes"),
)


def show(run: RunData, console: Console | None = None) -> None:
    """Print each answered question."""
    console = console or open_console()
    for answer in run.answers:
        _show(answer, console)
    if run.no_paced:
        print_line(console, f"the paced question has no answer: {run.no_paced}", "yellow")


def _show(run: RunData, console: Console) -> None:
    rounds = plural(len(run.dataset.rounds), "complete round")
    kind = " (exploratory)" if run.run.quick else ""
    print_line(console, f"{run.run.name}{kind}: medians of {rounds}, {caption(run.run)}", "italic")
    console.print(_table(run))
    if run.interactive:
        print_line(console, INTERACTIVE, "bold")
    for verdict in run.verdicts:
        print_line(console, verdict.line, "bold")
    for (kind, text), modes in _findings(run).items():
        about = f" {', '.join(modes)}:" if modes else ""
        print_line(console, f"{kind}:{about} {text}", "red" if kind == "void" else "yellow")
    for text in _rounds(run):
        print_line(console, text, "dim")


def _findings(run: RunData) -> dict[tuple[Severity, str], list[str]]:
    """What was found, to the modes that it concerns; none for the whole run."""
    found: dict[tuple[Severity, str], list[str]] = {}
    for finding in run.validity.findings:
        if finding.kind != "unknown":
            found.setdefault((finding.kind, finding.text), []).extend([finding.mode] if finding.mode else [])
    return found


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
    table.add_column("mode")
    for title, *_ in _COLUMNS:
        table.add_column(title, justify="right")
    for mode in run.dataset.modes:
        cells = [
            median(run.dataset.switches(mode))
            if metric == "switches"
            else median(run.dataset.spread(mode, metric, per_gib=per), unit)
            for _, metric, per, unit in _COLUMNS
        ]
        table.add_row(Text(printable(mode)), *cells)
    return table


def table_of(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading)
    return table


def add_row(table: Table, *cells: str, style: str = "") -> None:
    """Add a row; a cell may have several lines."""
    table.add_row(*(Text("\n".join(printable(line) for line in cell.split("\n")), style=style) for cell in cells))
