"""make class: one page of a class's reports, each from a machine of its own."""

from errors import EXIT_DONE, run_command
from reports.class_page import page, results, terminal
from scripts.common_arguments import parse, parser_of


def main() -> int:
    arguments = parse(parser_of("class", __doc__, "--reports-folder", positional=("REPORTS",)))
    found = results.results(arguments.reports or "")
    terminal.show(found)
    print(f"page: {page.write_class(found, arguments.reports_folder)}")
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
