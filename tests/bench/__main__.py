"""make bench: our servers and our users against a C floor, in one interleaved run.

Its rule: only ratios within a round are compared, and each is printed with its interval beside the bound that the
project sets itself. Exit code 1 when a whole interval lies above its bound, 0 otherwise.
"""

import argparse
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from errors import EXIT_DONE, EXIT_FAILED, CommandParser, UserError, run_command
from reports.paired import Paired, compare
from servers import test_file
from tests.bench import runs
from units import MIB, parse_size


@dataclass(frozen=True, slots=True)
class Contest:
    """Ours against the floor's, in CPU seconds per GiB; bound is the ratio that is not to be exceeded."""

    name: str
    bound: float
    ours: Callable[[], float]
    floor: Callable[[], float]


def main() -> int:
    parser = CommandParser(prog="make bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8, help="interleaved rounds (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of load per cell (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=4, help="at once (default: %(default)s)")
    parser.add_argument("--size", type=parse_size, default=256 * MIB, help="of the file (default: 256MiB)")
    arguments = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="zero-copy-bench-") as name:
        folder = Path(name)
        test_file.make(folder, arguments.size, lambda _: None)
        floor = runs.build_floor(folder)
        if floor is None:
            raise UserError("there is no C compiler here, and so no floor: install one that answers to `cc`")
        bench = runs.Bench(folder, floor, arguments.seconds, arguments.connections)
        contests = [
            _servers(bench, "sendfile", bound=1.10),
            _servers(bench, "read-send", bound=1.15),
            Contest("client: a Locust user, discard", 1.50, bench.our_client, bench.floor_client),
        ]
        pairs = _interleaved(contests, arguments.rounds, console)
        sampler_share = bench.sampler_share()
    return _print(console, contests, pairs, sampler_share)


def _servers(bench: runs.Bench, mode: str, bound: float) -> Contest:
    return Contest(f"server: {mode}", bound, lambda: bench.our_server(mode), lambda: bench.floor_server(mode))


def _interleaved(contests: list[Contest], rounds: int, console: Console) -> dict[str, list[tuple[float, float]]]:
    """(ours, floor) per contest and round; within a round everything runs once, in random order."""
    chance = random.Random(1)
    pairs: dict[str, list[tuple[float, float]]] = {contest.name: [] for contest in contests}
    for number in range(rounds):
        console.print(f"round {number + 1} of {rounds}", style="dim")
        deeds = [(contest.name, side) for contest in contests for side in ("ours", "floor")]
        by_name = {contest.name: contest for contest in contests}
        measured = {}
        for name, side in chance.sample(deeds, len(deeds)):
            measured[name, side] = getattr(by_name[name], side)()
        for contest in contests:
            pairs[contest.name].append((measured[contest.name, "ours"], measured[contest.name, "floor"]))
    return pairs


def _print(
    console: Console, contests: list[Contest], pairs: dict[str, list[tuple[float, float]]], sampler_share: float
) -> int:
    table = Table(title="CPU seconds per GiB: medians over the rounds, and the ratio within rounds")
    for heading in ("", "ours", "C floor", "ratio", "95 % interval", "rounds from … to", "bound", ""):
        table.add_column(heading)
    above = False
    for contest in contests:
        result = compare(pairs[contest.name])
        verdict = _verdict(result, contest.bound)
        above = above or verdict == "above"
        ours, floor = zip(*pairs[contest.name], strict=True)
        table.add_row(
            contest.name,
            f"{median(ours):.4f}",
            f"{median(floor):.4f}",
            f"{result.ratio:.2f}x",
            "–" if result.low is None or result.high is None else f"[{result.low:.2f}, {result.high:.2f}]",
            f"{min(result.ratios):.2f} … {max(result.ratios):.2f}",
            f"≤ {contest.bound:.2f}x",
            verdict,
        )
    console.print(table)
    console.print(f"sampler: {sampler_share:.2%} of a core while a server is loaded (bound: 0.50 %)")
    return EXIT_FAILED if above or sampler_share > 0.005 else EXIT_DONE


def _verdict(result: Paired, bound: float) -> str:
    if result.low is None or result.high is None:
        return "too few rounds"
    if result.high <= bound:
        return "within"
    return "above" if result.low > bound else "unclear"


if __name__ == "__main__":
    run_command(main)
