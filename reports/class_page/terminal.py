"""The class in the terminal: what the machines show together, a line for each, and what was not counted."""

from collections.abc import Iterator

from rich.table import Table

from reports.analysis.text import interval, plural
from reports.class_page import text
from reports.class_page.guessed import ChoiceGuesses, Guessed, RatioGuesses
from reports.class_page.pools import Pool
from reports.class_page.results import Results
from reports.terminal import add_row, open_console, print_line, table_of


def show(results: Results) -> None:
    console = open_console()
    if results.pools:
        console.print(_table(results.pools[0]))
    for pool in results.pools:
        print_line(console, text.headline(pool), "bold")
    for line in _guesses(results.guessed):
        print_line(console, line)
    for caution in text.cautions(results.pools[0]) if results.pools else ():
        print_line(console, f"caution: {caution}", "yellow")
    for each in results.left_out:
        print_line(console, f"not pooled: {each.name} ({', '.join(each.modes)}): {each.reason}", "yellow")
    for refused in results.refused:
        print_line(console, f"refused: {refused.name}: {refused.reason}", "red")


def _table(pool: Pool) -> Table:
    table = table_of(
        f"{pool.mode} against {pool.baseline}", "report", "ratio", "kernel", "CPU", "CPUs", "Python", "virtual"
    )
    for each in pool.machines:
        facts = each.facts
        words = (facts.kernel, facts.cpu, facts.cpus, facts.python, facts.virtual)
        add_row(table, each.name, interval(*each.paired.estimate), *words)
    return table


def _guesses(found: Guessed) -> Iterator[str]:
    if found.lines:
        yield f"{plural(found.lines, 'line')} of guesses"
    asked: tuple[ChoiceGuesses | RatioGuesses, ...] = (*found.choices, *found.ratios)
    for each in asked:
        yield f"guessed right by {each.hits} of {each.asked}: {each.text}"
