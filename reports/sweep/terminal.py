"""A sweep in the terminal: one line per point, then its result.

Its rule: piped output is plain text that is never cut, as for a run (reports/terminal.py).
"""

from rich.table import Table
from rich.text import Text

from reports.analysis.text import number, plural, printable
from reports.sweep.sentences import THINGS, sentences
from reports.sweep.sweep_data import PointData, SweepData
from reports.terminal import open_console, print_line


def show(sweep: SweepData) -> None:
    console = open_console()
    name = printable(sweep.sweep.name)
    points = plural(len(sweep.places), "point")
    table = Table(title=f"{name}: {plural(sweep.rounds, 'round')} at {points}", title_justify="left")
    table.add_column(THINGS[sweep.sweep.axis])
    headings = ("rounds", *(f"{mode} CPU s/GiB" for mode in sweep.modes), *(f"{mode} ratio" for mode in sweep.others))
    for heading in headings:
        table.add_column(Text(printable(heading)), justify="right")
    table.add_column("notes")
    for place in sweep.places:
        costs = [number(place.cost(mode)) for mode in sweep.modes]
        ratios = [place.ratio_text(mode) for mode in sweep.others]
        table.add_row(
            sweep.say(place.value), str(len(place.run.dataset.rounds)), *costs, *ratios, _beside(sweep, place)
        )
    console.print(table)
    for value, reason in sweep.sweep.left_out.items():
        print_line(console, f"left out: {value}: {reason}", "yellow")
    for _, sentence in sentences(sweep):
        print_line(console, sentence, "bold")


def _beside(sweep: SweepData, place: PointData) -> Text:
    """Reservations about the numbers: void, limited by the client, disturbed."""
    limited = [mode for mode in sweep.modes if place.client_limited(mode)]
    notes = [f"void: {', '.join(sorted(place.run.void))}"] if place.run.void else []
    notes += [f"client-limited: {', '.join(limited)}"] if limited else []
    notes += ["disturbed in every round"] if place.run.dataset.always_disturbed else []
    return Text(printable("; ".join(notes)))
