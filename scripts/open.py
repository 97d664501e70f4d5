"""make open: open the latest report in a browser; where there is none to open it in, say where it lies."""

from errors import EXIT_DONE, run_command
from reports import open_report
from scripts.common_arguments import FOLDERS, parse, parser_of


def main() -> int:
    arguments = parse(parser_of("open", __doc__, *FOLDERS, positional=("RUN",)))
    page = open_report.find(arguments.reports_folder, arguments.runs_folder, arguments.run or None)
    reason = open_report.show(page)
    print(f"report: {page}" if reason is None else f"report: {page.resolve().as_uri()} ({reason}: open it yourself)")
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
