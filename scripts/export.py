"""make export: the rounds of a run as CSV and Parquet, what it found as JSON and Markdown, and its profiles, beside its
report."""

from errors import EXIT_DONE, UsageError, run_command, suggestion
from reports.export.files import FORMATS, export
from scripts.common_arguments import FOLDERS, parse, parser_of


def main() -> int:
    arguments = parse(parser_of("export", __doc__, *FOLDERS, positional=("RUN",)))
    formats = tuple(format for format in FORMATS if arguments.format in (None, format))
    if not formats:
        hint = suggestion(arguments.format, FORMATS)
        raise UsageError(f"FORMAT={arguments.format!r}: choose one of {', '.join(FORMATS)}{hint}")
    for path in export(arguments.runs_folder, arguments.run or None, formats, arguments.reports_folder, print):
        print(f"{path.stem}: {path}")
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
