"""Two runs in the terminal: their comparison, and what a gate found."""

from reports.analysis.paired_ratio import percent
from reports.analysis.text import plural, printable
from reports.analysis.unpaired_ratio import CAVEAT
from reports.comparison import text
from reports.comparison.comparison import CONFIDENCE, Comparison
from reports.comparison.judgement import Gate
from reports.terminal import add_row, open_console, print_line, table_of

_STYLES = {"pass": "green", "regression": "bold red", "unclear": "yellow"}


def show_comparison(comparison: Comparison) -> None:
    """The differences first, then the numbers, then their caveat."""
    console = open_console()
    a, b = comparison.a.run, comparison.b.run
    print_line(console, f"A: run {a.name} of {a.started_at}")
    print_line(console, f"B: run {b.name} of {b.started_at}")
    if comparison.differences:
        table = table_of("What differs", "", "A", "B")
        for each in comparison.differences:
            add_row(table, each.name, each.a, each.b, style="bold" if each.matters else "")
        console.print(table)
    else:
        print_line(console, "no difference on record")
    if comparison.question:
        print_line(console, f"the runs do not answer the same question: {comparison.question}", "red")
    titles = ("Server CPU s/GiB", f"Ratio to {comparison.reference}, paired within each run")
    for title, lines in zip(titles, (text.costs(comparison), text.ratios(comparison)), strict=True):
        if lines:
            table = table_of(printable(title), "mode", "A", "B", "B over A")
            for line in lines:
                add_row(table, line.mode, line.a, line.b, line.across)
            console.print(table)
    if comparison.missing:
        print_line(console, f"only in one run: {', '.join(comparison.missing)}")
    print_line(console, f"intervals of {percent(CONFIDENCE)} each; B over A is {CAVEAT}")


def show_gate(gate: Gate) -> None:
    """A line for each mode, what speaks against the runs, then the outcome."""
    console = open_console()
    print_line(console, f"{gate.what}; {gate.scope}")
    for judgement in gate.judgements:
        print_line(console, f"{judgement.outcome}: {judgement.mode}: {judgement.text}", _STYLES[judgement.outcome])
    for note in gate.notes:
        print_line(console, note.line, "red" if note.kind == "void" else "yellow")
    cautions = sum(note.kind != "void" for note in gate.notes)
    beside = f", with {plural(cautions, 'caution')}" if cautions else ""
    judged = f"{plural(len(gate.judgements), 'comparison')}{beside}"
    print_line(console, f"{gate.outcome}: {judged} (exit code {gate.exit_code})", _STYLES[gate.outcome])
