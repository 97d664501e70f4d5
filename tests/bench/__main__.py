"""make bench: our servers and our users against a C floor, in one interleaved run.

Its rule: only ratios within a round are compared, and each is printed with its interval beside the bound that the
project sets itself. Servers and load are pinned to CPUs of their own, as in a campaign, and once more left to the
scheduler, whose placement then decides a good part of the ratio. Exit code 1 when a whole pinned interval lies above
its bound, or the sampler costs too much.
"""

import argparse
import contextlib
import os
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from errors import EXIT_DONE, EXIT_FAILED, CommandParser, UserError, run_command
from load.placement import choose
from reports.paired import Paired, compare
from servers import test_file
from tests.bench.runs import Bench, build_floor
from units import parse_size

BOUNDS = {"sendfile": 1.10, "read-send": 1.15}
CLIENT_BOUND = 1.50
SAMPLER_BOUND = 0.005


@dataclass(frozen=True, slots=True)
class Contest:
    """Ours against the floor's, in CPU seconds per GiB; bound is the ratio that is not to be exceeded."""

    name: str
    bound: float
    ours: Callable[[], float]
    floor: Callable[[], float]
    judged: bool


def main() -> int:
    parser = CommandParser(prog="make bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12, help="interleaved rounds (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.7, help="of load per cell (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=4, help="at once (default: %(default)s)")
    parser.add_argument("--size", type=parse_size, default=parse_size("256MiB"), help="of the file (default: 256MiB)")
    arguments = parser.parse_args()
    console = Console(width=None if os.isatty(1) else 120)
    with tempfile.TemporaryDirectory(prefix="zero-copy-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        test_file.make(folder, arguments.size, lambda _: None)
        floor = build_floor(folder)
        if floor is None:
            raise UserError("there is no C compiler here, and so no floor: install one that answers to `cc`")
        contests: list[Contest] = []
        for pinned in (True, False):
            placement = choose(os.sched_getaffinity(0), wanted=pinned)
            bench = Bench(folder, floor, arguments.seconds, arguments.connections, placement)
            contests += _contests(bench, stack, "pinned" if placement.load_cpus else "free", pinned)
        pairs = _interleaved(contests, arguments.rounds, console)
        stack.close()
        sampler_share = bench.sampler_share()
    return _print(console, contests, pairs, sampler_share)


def _contests(bench: Bench, stack: contextlib.ExitStack, where: str, judged: bool) -> list[Contest]:
    """Start all servers of one placement; only the one that is loaded has anything to do."""
    contests = []
    for mode, bound in BOUNDS.items():
        ours, floor = stack.enter_context(bench.ours(mode)), stack.enter_context(bench.floors(mode))
        contests.append(
            Contest(
                f"server {mode}, {where}",
                bound,
                lambda server=ours: bench.server_cost(server),  # type: ignore[misc]
                lambda server=floor: bench.server_cost(server),  # type: ignore[misc]
                judged,
            )
        )
    peer = stack.enter_context(bench.floors("sendfile"))
    clients = (lambda: bench.our_client_cost(peer)), (lambda: bench.floor_client_cost(peer))
    return [*contests, Contest(f"client, discarding, {where}", CLIENT_BOUND, *clients, judged)]


def _interleaved(contests: list[Contest], rounds: int, console: Console) -> dict[str, list[tuple[float, float]]]:
    """(ours, floor) per contest and round; within a round everything runs once, in random order."""
    chance = random.Random(1)
    deeds = {(contest.name, side): getattr(contest, side) for contest in contests for side in ("ours", "floor")}
    for deed in deeds.values():  # once, discarded: caches, and threads that are started
        deed()
    pairs: dict[str, list[tuple[float, float]]] = {contest.name: [] for contest in contests}
    for number in range(1, rounds + 1):
        console.print(f"round {number} of {rounds}", style="dim")
        measured = {key: deeds[key]() for key in chance.sample(sorted(deeds), len(deeds))}
        for contest in contests:
            pairs[contest.name].append((measured[contest.name, "ours"], measured[contest.name, "floor"]))
    return pairs


def _print(
    console: Console, contests: list[Contest], pairs: dict[str, list[tuple[float, float]]], sampler_share: float
) -> int:
    table = Table(title="CPU seconds per GiB: medians over the rounds, and the ratio within rounds")
    for heading in ("", "ours", "C floor", "ratio", "95 % interval", "rounds", "bound", ""):
        table.add_column(heading, no_wrap=True)
    failed = sampler_share > SAMPLER_BOUND
    for contest in contests:
        result = compare(pairs[contest.name])
        verdict = _verdict(result, contest.bound)
        failed = failed or (contest.judged and verdict == "above")
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
    console.print(f"sampler: {sampler_share:.2%} of a core while a server is loaded (bound: {SAMPLER_BOUND:.2%})")
    return EXIT_FAILED if failed else EXIT_DONE


def _verdict(result: Paired, bound: float) -> str:
    if result.low is None or result.high is None:
        return "too few rounds"
    if result.high <= bound:
        return "within"
    return "above" if result.low > bound else "unclear"


if __name__ == "__main__":
    run_command(main)
