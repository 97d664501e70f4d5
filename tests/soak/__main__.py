"""python -m tests.soak [--minutes 2] [--seed N] [--modes …]: see tests/soak/__init__.py.

Exit code 1, with the seed, as soon as something does not hold.
"""

import argparse
import contextlib
import random
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table

from errors import EXIT_DONE, CommandParser, UsageError, UserError, run_command
from servers import discovery
from tests.servers import peers
from tests.servers.probe import why_missing
from tests.soak.traffic import Folder, Round, SoakError, Tally
from tests.soak.watched import Watched

ROUND_S = 15.0
GOOD = (*(peer.__name__ for peer in peers.GOOD), "one_version", "burst")
RUDE = tuple(peer.__name__ for peer in peers.RUDE)
SLOW = ("read_slowly", "write_slowly")


def main() -> int:
    arguments = _parse()
    seed = random.randrange(1 << 32) if arguments.seed is None else arguments.seed
    console = Console()
    with tempfile.TemporaryDirectory(prefix="zero-copy-soak-") as name, contextlib.ExitStack() as stack:
        served, stderr = Path(name, "served"), Path(name, "stderr")
        served.mkdir()
        stderr.mkdir()
        folder = Folder(served, seed)
        servers = [Watched(each, served, stderr) for each in _available(arguments.modes, console)]
        for server in servers:
            stack.callback(server.close)
        tally = Tally()
        try:
            _soak(folder, servers, arguments.minutes, seed, tally, console)
        except (SoakError, AssertionError) as error:
            raise UserError(f"the soak failed: {error}; the same mixture again: make soak SEED={seed}") from error
        finally:
            _print(servers, tally, console)
    console.print(f"every invariant held for {arguments.minutes:g} minutes (seed {seed})")
    return EXIT_DONE


def _parse() -> argparse.Namespace:
    parser = CommandParser(prog="python -m tests.soak", description="A random, seeded mixture of peers and changes.")
    parser.add_argument("--minutes", type=float, default=2.0, help="how long (default: %(default)g)")
    parser.add_argument("--seed", type=int, help="of the mixture (default: a new one, which is printed)")
    parser.add_argument("--modes", nargs="+", help="default: every mode that this machine has")
    arguments = parser.parse_args()
    if not 0 < arguments.minutes <= 24 * 60:
        raise UsageError(f"MINUTES={arguments.minutes:g}: more than 0, and at most a day")
    for name in arguments.modes or ():
        discovery.import_mode(name)
    return arguments


def _available(wanted: Sequence[str] | None, console: Console) -> list[str]:
    missing = {name: why_missing(name) for name in wanted or discovery.names()}
    if wanted and any(missing.values()):
        name, reason = next((name, why) for name, why in missing.items() if why)
        raise UserError(f"{name} is missing here: {reason}; leave it out of MODES")
    for name, why in missing.items():
        if why:
            console.print(f"skipped: {name} is missing here: {why}", markup=False)
    return [name for name, why in missing.items() if why is None]


def _soak(
    folder: Folder, servers: Sequence[Watched], minutes: float, seed: int, tally: Tally, console: Console
) -> None:
    until_s = time.monotonic() + minutes * 60
    number = 0
    while (left_s := until_s - time.monotonic()) > 0:
        number += 1
        Round(folder, servers, min(ROUND_S, left_s), f"{seed}/{number}", tally).run()
        for server in servers:
            server.check()
        with ThreadPoolExecutor(4) as pool:
            rngs = [random.Random(f"{seed}/{number}/{server.mode_name}") for server in servers]
            list(pool.map(Watched.signal_in_mid_download, servers, rngs))
        console.print(f"round {number}: {sum(tally.done.values())} peers so far, all servers as at their start")


def _print(servers: Sequence[Watched], tally: Tally, console: Console) -> None:
    table = Table()
    for column in ("mode", "good peers", "rude peers", "slow peers", "signals", "highest memory at rest"):
        table.add_column(column, no_wrap=column == "mode", justify="left" if column == "mode" else "right")
    for server in servers:
        counts = [sum(tally.done[server.mode_name, kind] for kind in kinds) for kinds in (GOOD, RUDE, SLOW)]
        memory = f"{server.highest_resident_bytes / (1 << 20):.1f} MiB"
        table.add_row(server.mode_name, *map(str, counts), str(server.restarts), memory)
    console.print(table)


if __name__ == "__main__":
    run_command(main)
