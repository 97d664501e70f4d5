"""make export: the rounds of a run as CSV and Parquet, beside its report."""

from errors import EXIT_DONE, CommandParser, run_command
from reports.export.files import FORMATS, export
from scripts.folders import add_folders


def main() -> int:
    parser = CommandParser(prog="python -m scripts.export", description=__doc__)
    parser.add_argument("run", metavar="RUN", nargs="?", help="name of the run (default: the latest)")
    parser.add_argument("--format", choices=FORMATS, help="default: all of them")
    add_folders(parser)
    arguments = parser.parse_args()
    formats = (arguments.format,) if arguments.format else FORMATS
    for path in export(arguments.profiles, arguments.run or None, formats, arguments.reports):
        print(f"rounds: {path}")
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
