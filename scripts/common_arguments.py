"""What the commands share: their knobs (knobs.py), where runs lie, and tables in the terminal."""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

import knobs
from errors import CommandParser, UserError
from interpreter import PYTHON, ctrl_c_later
from profiles.targets.catalog import use, use_lab, use_lines
from profiles.targets.variants import target_of
from servers import payload

STYLES = {"available": "green", "degraded": "yellow", "missing": "red", "failed": "red"}
PIPED_WIDTH = 200
OPTIONS: dict[str, dict[str, Any]] = {
    "--root": {"type": Path, "help": "has a folder for each size of test-file.bin (data); alone: served as it is"},
    "--runs-folder": {"type": Path, "default": Path("profiles/out"), "help": "where runs lie (%(default)s)"},
    "--reports-folder": {"type": Path, "default": Path("reports/out"), "help": "where reports lie (%(default)s)"},
    "--any-port": {"action": "store_const", "dest": "ports", "const": "free", "help": "the same as --ports=free"},
}
FOLDERS = ("--runs-folder", "--reports-folder")
MOST_CALLS = 3  # that a proof lists, by name
BESIDE = ("sendfile", "read-send")  # what a server of the user's own is compared with


def parser_of(command: str, description: str | None, *options: str, positional: Sequence[str] = ()) -> CommandParser:
    """A parser with the command's knobs. options: of OPTIONS. positional: knobs that are given without their names."""
    parser = CommandParser(prog=f"python -m scripts.{command}", description=description)
    knobs.add_arguments(parser, command, positional)
    for option in options:
        parser.add_argument(option, **OPTIONS[option])
    return parser


def parse(parser: CommandParser, baseline_first: bool = False) -> argparse.Namespace:
    """The arguments, with what they name in force: modes of lab/, and external servers by a file of them, by commands
    and URLs. What is named in one line is among the modes. baseline_first: whether the command compares with the first
    mode."""
    arguments = parser.parse_args()
    use_lab(map(target_of, getattr(arguments, "modes", None) or ()))
    named = use_named(arguments, getattr(arguments, "modes", None) or ())
    if named and hasattr(arguments, "modes"):
        arguments.modes = _with_named(named, arguments.modes, baseline_first)
    return arguments


def use_named(arguments: argparse.Namespace, modes: Sequence[str]) -> list[str]:
    """Have the external servers in force that are named; the names of those that stand on the command line. modes: that
    were asked for."""
    if getattr(arguments, "targets", None):
        use(str(arguments.targets))
    return use_lines(
        getattr(arguments, "command", None) or (),
        getattr(arguments, "url", None) or (),
        getattr(arguments, "protocol", "http"),
        getattr(arguments, "ports", None) or "",
        modes,
    )


def _with_named(named: list[str], modes: Sequence[str] | None, baseline_first: bool) -> list[str]:
    """named: servers. modes: a list where they were asked for, else what the command takes without that."""
    if baseline_first:
        modes = modes or BESIDE[::-1]
        return [*modes, *(name for name in named if name not in modes)]
    if not isinstance(modes, list):
        return [*named, *(BESIDE if modes else ())]
    return modes if modes == ["all"] else [*(name for name in named if name not in modes), *modes]


def served_folder(arguments: argparse.Namespace) -> Path:
    """The folder to serve, with its test file. Raises UserError where that cannot be made."""
    return payload.served_folder(arguments.root, getattr(arguments, "size", None))


def build_report(arguments: argparse.Namespace, run: str) -> int:
    """The exit code of the process that builds it."""
    folders = ["--runs-folder", str(arguments.runs_folder), "--reports-folder", str(arguments.reports_folder)]
    with ctrl_c_later():
        building = subprocess.Popen([*PYTHON, "-m", "reports", run, *folders])
    with building:
        return building.wait()


def check_report() -> None:
    """Raises UserError where no report could be built here, before minutes are spent on what it would be of."""
    done = subprocess.run([*PYTHON, "-c", "import reports.__main__"], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise UserError(f"nothing is measured, since no report could be built: {said}; `make clean` removes .venv")


def print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; the states in it are coloured as well as named."""
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, overflow="fold")  # never cut
    for row in rows:
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH).print(table)
