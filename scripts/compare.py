"""make compare: two runs side by side, what differs between them first."""

from errors import EXIT_DONE, CommandParser, run_command
from reports.comparison import comparison
from reports.history import page, terminal
from scripts.folders import add_folders


def main() -> int:
    parser = CommandParser(prog="python -m scripts.compare", description=__doc__)
    parser.add_argument("a", metavar="A", help="name of a run; `make runs` lists them")
    parser.add_argument("b", metavar="B", nargs="?", help="name of the other (default: the latest)")
    add_folders(parser)
    arguments = parser.parse_args()
    a, b = (comparison.read(arguments.profiles, name) for name in (arguments.a, arguments.b))
    compared = comparison.compared(a, b)
    terminal.show_comparison(compared)
    print(f"page: {page.write_comparison(compared, arguments.reports)}")
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
