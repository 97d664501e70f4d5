"""make runs: list all runs, with their verdicts, and draw what each mode cost from run to run."""

from errors import EXIT_DONE, run_command
from reports.history import entries, page, terminal
from scripts.common_arguments import FOLDERS, parse, parser_of


def main() -> int:
    arguments = parse(parser_of("runs", __doc__, *FOLDERS))
    history = entries.history(arguments.runs_folder)
    terminal.show_history(history)
    print(f"page: {page.write_history(history, arguments.reports_folder)}")
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
