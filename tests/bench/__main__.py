"""make bench: our servers and users against a C floor and nginx, the cost of small files, and memory.

Its rule: all that is compared is measured in the same rounds, in a campaign of the product itself wherever one can do
it, and every bound that the project sets itself gets a verdict. Exit code 1 when a bound is clearly missed: the whole
interval lies above it, or the figure itself where there is no interval (times, memory, the sampler).
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from rich.console import Console

from errors import EXIT_DONE, EXIT_FAILED, CommandParser, run_command
from tests.bench import (
    against_floor,
    against_nginx,
    clients,
    coverage,
    known_effects,
    live,
    memory,
    precision,
    profiling,
    report_speed,
    sampler,
    small_files,
    targets_file_speed,
)
from tests.bench.contests import Outcome
from tests.bench.field import Field
from units import parse_size

PARTS: dict[str, Callable[[Field], Outcome]] = {
    "floor": against_floor.outcome,
    "nginx": against_nginx.outcome,
    "small-files": small_files.outcome,
    "known-effects": known_effects.outcome,
    "live": live.outcome,
    "clients": clients.outcome,
    "memory": memory.outcome,
    "coverage": coverage.outcome,
    "precision": precision.outcome,
    "report": report_speed.outcome,
    "targets": targets_file_speed.outcome,
    "sampler": sampler.outcome,
    "profiling": profiling.outcome,
}


def main() -> int:
    arguments = _arguments()
    console = Console(width=None if os.isatty(1) else 140, highlight=False)
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="zero-copy-bench-") as name:
        field = Field(Path(name), arguments.size, arguments.connections, arguments.repeats)
        for part in arguments.only or PARTS:
            console.print(f"{part} …", style="dim")
            outcomes.append(PARTS[part](field))
            _print(console, outcomes[-1])
    return _summary(console, outcomes)


def _arguments() -> argparse.Namespace:
    parser = CommandParser(prog="make bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", action="append", choices=PARTS, help="run this part alone; may be given again")
    parser.add_argument("--connections", type=int, default=4, help="at once (default: %(default)s)")
    parser.add_argument(
        "--size", type=parse_size, default=parse_size("256MiB"), help="of large files (default: 256MiB)"
    )
    parser.add_argument(
        "--repeats", type=int, default=1, help="of each whole command that is timed (default: %(default)s)"
    )
    return parser.parse_args()


def _print(console: Console, outcome: Outcome) -> None:
    for table in outcome.tables:
        console.print(table)
    for sentence in outcome.sentences:
        console.print(sentence, markup=False)
    console.print()


def _summary(console: Console, outcomes: Iterable[Outcome]) -> int:
    """The verdicts on all bounds; the exit code."""
    names: dict[str, list[str]] = {}
    for outcome in outcomes:
        for name, verdict in outcome.verdicts.items():
            names.setdefault(verdict, []).append(name)
    console.print("bounds: " + ", ".join(f"{len(found)} {verdict}" for verdict, found in sorted(names.items())))
    for verdict in ("unclear", "too few rounds", "above"):
        if verdict in names:
            console.print(f"{verdict}: {'; '.join(names[verdict])}")
    return EXIT_FAILED if "above" in names else EXIT_DONE


if __name__ == "__main__":
    run_command(main)
