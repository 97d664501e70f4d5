"""make servers-table: the table of docs/servers.md, of a run that measured those servers (RUN=name, else the latest).

Its rule: every figure and every sentence between its marks is the run's; what stands around them is left alone. What
the run could not measure is named.
"""

from collections.abc import Iterator
from pathlib import Path

from errors import EXIT_DONE, CommandParser, UserError, run_command
from profiles.store.proof import Proof
from profiles.store.sending import conclusion, sentence
from reports.analysis.paired_ratio import FAMILY_CONFIDENCE
from reports.analysis.rounds import PRIMARY
from reports.analysis.text import interval, number, plural
from reports.analysis.worth import YARDSTICKS, ratios_of
from reports.explanations import machine_line
from reports.run_data import RunData, find, read_run
from tests.conftest import PROJECT

DOCUMENT = PROJECT / "docs" / "servers.md"
BEGIN, END = "<!-- from here on by make servers-table -->\n", "<!-- up to here -->\n"
_HEADINGS = ("name", "server", "what it does", "CPU s/GiB", *(f"of `{mode}`'s" for mode in YARDSTICKS))


def main() -> int:
    parser = CommandParser(prog="python -m tests.servers_table", description=__doc__)
    parser.add_argument("run", metavar="RUN", nargs="?", help="name of the run (default: the latest complete run)")
    parser.add_argument("--runs-folder", type=Path, default=Path("profiles/out"), help="where runs lie (%(default)s)")
    arguments = parser.parse_args()
    run = read_run(find(arguments.runs_folder, arguments.run or None))
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text(), run))
    print(f"{DOCUMENT}: {plural(len(_servers(run)), 'server')} of run {run.run.name}")
    return EXIT_DONE


def rewritten(text: str, run: RunData) -> str:
    """The document with this run's table. Raises UserError where it has no place for one, or the run no servers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UserError(f"{DOCUMENT} has no place for the table: give it the lines {BEGIN.strip()} and {END.strip()}")
    if not _servers(run):
        raise UserError(f"run {run.run.name} measured no external server: name one that did")
    return before + begin + "".join(f"{line}\n" for line in _lines(run)) + end + after


def _servers(run: RunData) -> list[str]:
    return [mode for mode in run.dataset.modes if run.target(mode).external]


def _lines(run: RunData) -> Iterator[str]:
    servers = _servers(run)
    yield f"{machine_line(run)}, {run.run.started_at[:10]}, {plural(len(run.dataset.rounds), 'round')}:"
    yield ""
    yield _row(_HEADINGS)
    yield _row(["---"] * 3 + ["---:"] * (len(_HEADINGS) - 3))
    for mode in servers:
        yield _row([f"`{mode}`", run.target(mode).summary, _conclusion(run.proof(mode)), *_costs(run, mode)])
    yield ""
    yield "The evidence of each:"
    yield ""
    yield from (f"- {said}" for mode in servers if (said := sentence(run.proof(mode) or Proof(mode, "missing", None))))
    yield from (f"- void: {', '.join(modes)}: {text}" for (_, text), modes in run.validity.said("void").items())
    yield ""
    yield f"All of this repeats it: `{run.run.command}`"


def _conclusion(proof: Proof | None) -> str:
    return "unknown" if proof is None or proof.refusal else conclusion(proof)


def _costs(run: RunData, mode: str) -> Iterator[str]:
    """Its cost, and what part of each yardstick's that is, with 95 % intervals."""
    spread = run.dataset.spread(mode, PRIMARY)
    if mode in run.void or spread is None:
        yield from ["void", *["" for _ in YARDSTICKS]]
        return
    yield number(spread.median)
    found = dict(ratios_of(run.dataset, mode, YARDSTICKS, FAMILY_CONFIDENCE))
    yield from (interval(*found[each].estimate) if each in found else "unknown" for each in YARDSTICKS)


def _row(cells: Iterator[str] | list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    run_command(main)
