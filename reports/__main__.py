"""python -m reports [RUN]: rebuild the report of a run or of a sweep from its records alone."""

import argparse
import sys
from pathlib import Path

import knobs
from errors import EXIT_DONE, CommandParser, UsageError, run_command
from interpreter import hear_ctrl_c
from profiles.store.sweep_folder import SweepFolder
from reports import page, run_data, terminal
from reports.comparison.since_last import since_last
from reports.sweep import page as sweep_page
from reports.sweep import terminal as sweep_terminal
from reports.sweep.sweep_data import is_sweep


def main() -> int:
    hear_ctrl_c()
    options = _parser().parse_args()
    if is_sweep(options.runs_folder, options.run):
        return _sweep(options.runs_folder / options.run, options.reports_folder, options.gib_per_day)
    folder = run_data.find(options.runs_folder, options.run or None, lambda line: print(line, file=sys.stderr))
    run, path = page.report(folder, options.reports_folder, options.gib_per_day)
    terminal.show(run, more=since_last(folder, run))
    print(f"report: {path}")
    return EXIT_DONE


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(prog="python -m reports", description="Build the HTML report of a run or a sweep.")
    knobs.add_arguments(parser, "report", positional=("RUN",))
    parser.add_argument("--runs-folder", type=Path, default=Path("profiles/out"), help="where runs lie (%(default)s)")
    parser.add_argument("--reports-folder", type=Path, default=Path("reports/out"), help="where to write (%(default)s)")
    return parser


def _sweep(folder: Path, reports: Path, gib_per_day: float | None) -> int:
    if gib_per_day is not None:
        raise UsageError(f"GIB_PER_DAY is for runs, and {folder.name!r} is a sweep: leave it out")
    sweep, path = sweep_page.report(SweepFolder(folder), reports)
    sweep_terminal.show(sweep)
    print(f"report: {path}")
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
