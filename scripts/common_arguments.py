"""Tables in the terminal, and the argument that the commands about modes share."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from profiles.targets.catalog import use

STYLES = {"available": "green", "degraded": "yellow", "missing": "red"}
PIPED_WIDTH = 200


def folder_argument(parser: argparse.ArgumentParser) -> Path:
    """Add --root and read it: where a file of some MiB may be written for a trial."""
    parser.add_argument("--root", type=Path, default=Path("data"), help="file system to try on (default: %(default)s)")
    targets_argument(parser)
    root: Path = parser.parse_args().root
    return root


def targets_argument(parser: argparse.ArgumentParser) -> None:
    """Add --targets, which puts a file in force as it is parsed."""
    parser.add_argument("--targets", type=use, metavar="FILE", help="servers of your own (default: targets.toml)")


def print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; the states in it are coloured as well as named."""
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading)
    for row in rows:
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH).print(table)
