"""make test-file: make data/test-file.bin, unless it is there in the size that is asked for."""

import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from errors import EXIT_DONE, CommandParser, UsageError, run_command
from servers import payload
from units import format_size, parse_size

COLUMNS = (TextColumn("test file"), BarColumn(), DownloadColumn(binary_units=True), TimeRemainingColumn())


def main() -> int:
    parser = CommandParser(prog="python -m scripts.test_file", description=__doc__)
    parser.add_argument("--size", default="256MiB", help="like 256MiB, 1GiB, 17 (default: %(default)s)")
    parser.add_argument("--root", type=Path, default=Path("data"), help="folder for it (default: %(default)s)")
    arguments = parser.parse_args()
    size_bytes = parse_size(arguments.size)
    if size_bytes >= 1 << 60:
        raise UsageError(f"--size {arguments.size}: no disk here holds that; give a size like 256MiB")
    if payload.exists(arguments.root, size_bytes):
        return EXIT_DONE
    with Progress(*COLUMNS, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("", total=size_bytes)
        path = payload.make(arguments.root, size_bytes, lambda count: progress.advance(task, count))
    print(f"made {path}: {format_size(size_bytes)}, digest in {payload.digest_path(path)}")
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
