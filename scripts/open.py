"""make open: open the latest report in a browser; where there is none to open it in, say where it lies."""

from pathlib import Path

from errors import EXIT_DONE, CommandParser, run_command
from reports import open_report


def main() -> int:
    parser = CommandParser(prog="python -m scripts.open", description=__doc__)
    parser.add_argument(
        "run", metavar="RUN", nargs="?", help="name of the run (default: the report that was made last)"
    )
    parser.add_argument("--reports", type=Path, default=Path("reports/out"), help="where reports lie (%(default)s)")
    arguments = parser.parse_args()
    page = open_report.find(arguments.reports, arguments.run or None)
    reason = open_report.show(page)
    print(f"report: {page}" if reason is None else f"report: {page.resolve().as_uri()} ({reason}: open it yourself)")
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
