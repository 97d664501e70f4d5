"""python -m reports [RUN]: rebuild the report of a run or of a sweep from its records alone."""

import argparse
import sys
from pathlib import Path

from errors import EXIT_DONE, CommandParser, UsageError, run_command
from profiles.store.sweep_folder import SweepFolder
from reports import page, run_data, terminal
from reports.sweep import page as sweep_page
from reports.sweep import terminal as sweep_terminal
from reports.sweep.sweep_data import is_sweep


def main() -> int:
    options = _parser().parse_args()
    if options.gib_per_day is not None and not 1e-3 <= options.gib_per_day <= 10**12:
        raise UsageError(f"GIB_PER_DAY={options.gib_per_day:g}: give 0.001 to 1000000000000")
    if is_sweep(options.profiles, options.run):
        return _sweep(options.profiles / options.run, options.reports, options.gib_per_day)
    folder = run_data.find(options.profiles, options.run or None, lambda line: print(line, file=sys.stderr))
    run, path = page.report(folder, options.reports, options.gib_per_day)
    terminal.show(run)
    print(f"report: {path}")
    return EXIT_DONE


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(prog="python -m reports", description="Make the HTML report of a run.")
    run_help = "name of the run, or sweep (default: the latest complete run)"
    parser.add_argument("run", metavar="RUN", nargs="?", help=run_help)
    parser.add_argument("--profiles", type=Path, default=Path("profiles/out"), help="where runs lie (%(default)s)")
    parser.add_argument("--reports", type=Path, default=Path("reports/out"), help="where to write (%(default)s)")
    parser.add_argument("--gib-per-day", type=float, help="traffic to count the cores saved for (default: the run's)")
    return parser


def _sweep(folder: Path, reports: Path, gib_per_day: float | None) -> int:
    if gib_per_day is not None:
        raise UsageError(f"GIB_PER_DAY goes with a run, and {folder.name!r} is a sweep: leave it out")
    sweep, path = sweep_page.report(SweepFolder(folder), reports)
    sweep_terminal.show(sweep)
    print(f"report: {path}")
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
