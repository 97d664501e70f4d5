"""make bench: our servers and users against a C floor and nginx, the cost of small files, and memory.

Its rule: all that is compared is measured in one interleaved run, and every bound that the project sets itself gets a
verdict. Servers and load are pinned to CPUs of their own, as in a campaign. Exit code 1 when a bound is clearly missed:
the whole interval lies above it, or the figure itself where there is no interval (times, memory, the sampler).
"""

import argparse
import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from errors import EXIT_DONE, EXIT_FAILED, CommandParser, run_command
from tests.bench import (
    against_floor,
    against_nginx,
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
    workers,
)
from tests.bench.contests import Outcome, Readings, measure_interleaved
from tests.bench.sides import Field, Side
from units import parse_size


@dataclass(frozen=True, slots=True)
class Part:
    """sides: what it needs measured in the interleaved run; outcome: what it says of that, or measures by itself."""

    sides: Callable[[Field], Iterable[Side]]
    outcome: Callable[[Field, Readings], Outcome]


PARTS = {
    "floor": Part(against_floor.sides, against_floor.outcome),
    "nginx": Part(against_nginx.sides, against_nginx.outcome),
    "small-files": Part(small_files.sides, small_files.outcome),
    "known-effects": Part(known_effects.sides, known_effects.outcome),
    "live": Part(lambda _: (), live.outcome),
    "workers": Part(workers.sides, workers.outcome),
    "memory": Part(lambda _: (), memory.outcome),
    "coverage": Part(lambda _: (), coverage.outcome),
    "precision": Part(lambda _: (), precision.outcome),
    "report": Part(lambda _: (), report_speed.outcome),
    "targets": Part(lambda _: (), targets_file_speed.outcome),
    "sampler": Part(lambda _: (), sampler.outcome),
    "profiling": Part(lambda _: (), profiling.outcome),
}


def main() -> int:
    arguments = _arguments()
    console = Console(width=None if os.isatty(1) else 140, highlight=False)
    parts = {name: part for name, part in PARTS.items() if not arguments.only or name in arguments.only}
    with tempfile.TemporaryDirectory(prefix="zero-copy-bench-") as name, contextlib.ExitStack() as stack:
        field = Field(Path(name), arguments.size, arguments.seconds, arguments.connections, stack, arguments.repeats)
        sides = [side for part in parts.values() for side in part.sides(field)]
        readings = measure_interleaved(
            sides, arguments.rounds, field.measure, lambda text: console.print(text, style="dim")
        )
        stack.close()  # what follows measures by itself, with nobody beside it
        outcomes = [part.outcome(field, readings) for part in parts.values()]
    return _print(console, outcomes)


def _arguments() -> argparse.Namespace:
    parser = CommandParser(prog="make bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", action="append", choices=PARTS, help="run this part alone; may be given again")
    parser.add_argument("--rounds", type=int, default=12, help="interleaved rounds (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.5, help="of load per side and round (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=4, help="at once (default: %(default)s)")
    parser.add_argument(
        "--size", type=parse_size, default=parse_size("256MiB"), help="of large files (default: 256MiB)"
    )
    parser.add_argument(
        "--repeats", type=int, default=1, help="of each whole command that is timed (default: %(default)s)"
    )
    return parser.parse_args()


def _print(console: Console, outcomes: Iterable[Outcome]) -> int:
    """Everything, and one summary at the end."""
    names: dict[str, list[str]] = {}
    for outcome in outcomes:
        for table in outcome.tables:
            console.print(table)
        for sentence in outcome.sentences:
            console.print(sentence, markup=False)
        console.print()
        for name, verdict in outcome.verdicts.items():
            names.setdefault(verdict, []).append(name)
    console.print("bounds: " + ", ".join(f"{len(found)} {verdict}" for verdict, found in sorted(names.items())))
    for verdict in ("unclear", "too few rounds", "above"):
        if verdict in names:
            console.print(f"{verdict}: {'; '.join(names[verdict])}")
    return EXIT_FAILED if "above" in names else EXIT_DONE


if __name__ == "__main__":
    run_command(main)
