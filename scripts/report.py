"""python -m scripts.report [RUN]: make the report of a run again, from its profile alone."""

import sys
from pathlib import Path

from errors import EXIT_DONE, CommandParser, UsageError, run_command
from reports import data, page, terminal


def main() -> int:
    parser = CommandParser(prog="python -m scripts.report", description="Make the HTML report of a run.")
    parser.add_argument("run", metavar="RUN", nargs="?", help="name of the run (default: the latest complete)")
    parser.add_argument("--profiles", type=Path, default=Path("profiles/out"), help="where runs lie (%(default)s)")
    parser.add_argument("--reports", type=Path, default=Path("reports/out"), help="where to write (%(default)s)")
    parser.add_argument("--gib-per-day", type=float, help="traffic to count the cores saved for (default: the run's)")
    options = parser.parse_args()
    if options.gib_per_day is not None and not 1e-3 <= options.gib_per_day <= 10**12:
        raise UsageError(f"GIB_PER_DAY={options.gib_per_day:g}: give 0.001 to 1000000000000")
    folder = data.find(options.profiles, options.run or None, lambda line: print(line, file=sys.stderr))
    run, path = page.report(folder, options.reports, options.gib_per_day)
    terminal.show(run)
    print(f"report: {path}")
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
