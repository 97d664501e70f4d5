"""What the commands share: their knobs (knobs.py), where runs lie, and tables in the terminal."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

import knobs
from errors import CommandParser
from profiles.targets.catalog import use

STYLES = {"available": "green", "degraded": "yellow", "missing": "red"}
PIPED_WIDTH = 200


def parser_of(command: str, description: str | None, positional: Sequence[str] = ()) -> CommandParser:
    """A parser with the command's knobs. positional: those that are given without their names."""
    parser = CommandParser(prog=f"python -m scripts.{command}", description=description)
    knobs.add_arguments(parser, command, positional)
    return parser


def parse(parser: CommandParser) -> argparse.Namespace:
    """The arguments, with the file of external servers in force, where one is named."""
    arguments = parser.parse_args()
    if getattr(arguments, "targets", None):
        use(str(arguments.targets))
    return arguments


def add_folders(parser: argparse.ArgumentParser) -> None:
    """--profiles and --reports."""
    parser.add_argument("--profiles", type=Path, default=Path("profiles/out"), help="where runs lie (%(default)s)")
    parser.add_argument("--reports", type=Path, default=Path("reports/out"), help="where to write (%(default)s)")


def add_root(parser: argparse.ArgumentParser) -> None:
    """--root."""
    parser.add_argument("--root", type=Path, default=Path("data"), help="where test-file.bin lies (%(default)s)")


def add_any_port(parser: argparse.ArgumentParser) -> None:
    """--any-port."""
    parser.add_argument("--any-port", action="store_true", help="serve on free ports instead of the modes' own")


def print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; the states in it are coloured as well as named."""
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading)
    for row in rows:
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH).print(table)
