"""make compare: two runs side by side, what differs between them first."""

from errors import EXIT_DONE, UsageError, run_command
from reports.comparison import comparison, page, terminal
from reports.run_data import read_campaign
from scripts.common_arguments import FOLDERS, parse, parser_of


def main() -> int:
    arguments = parse(parser_of("compare", __doc__, *FOLDERS))
    if arguments.a is None:
        raise UsageError("give A=name, the name of a run; `make runs` lists them")
    a, b = (read_campaign(arguments.runs_folder, name, whole=True) for name in (arguments.a, arguments.b))
    compared = comparison.compared(a, b)
    terminal.show_comparison(compared)
    print(f"page: {page.write_comparison(compared, arguments.reports_folder)}")
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
