"""make load: a campaign without a browser, then its report.

Every round downloads from every mode once, in balanced order; then each mode is profiled under the same load.
"""

import argparse
import random
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from errors import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, CommandParser, run_command
from load.agent.options import AgentOptions
from load.campaign import headless
from load.campaign.options import (
    BASELINE,
    CACHES,
    FEW_MODES,
    PROFILE_S,
    RETRIES,
    TARGET_HALF_WIDTH,
    USERS,
    WARM_UP_S,
    WINDOW_S,
    CampaignOptions,
    check_run_name,
    new_name,
    resolve,
)
from load.users.connection import SINKS
from profiles.store.records import SERVED_FILE
from profiles.store.run_folder import RunFolder
from profiles.targets import catalog
from scripts.common_arguments import targets_argument
from scripts.folders import add_folders


def main() -> int:
    arguments = _parser().parse_args()
    check_run_name(arguments.run)
    settings = resolve(knobs_of(arguments), _size_bytes(arguments.root / SERVED_FILE))
    folder = RunFolder(arguments.profiles / arguments.run)
    agent = AgentOptions.read(arguments.agent, arguments.agent_token_file, arguments.agent_ca)
    code = headless.run(settings, arguments.root, folder, agent)
    if code in (EXIT_DONE, EXIT_FAILED) and folder.path.exists() and folder.read_run().state == "done":
        report = ["-m", "scripts.report", arguments.run]
        report += ["--profiles", str(arguments.profiles), "--reports", str(arguments.reports)]
        try:
            code = code or subprocess.run([sys.executable, *report], check=False).returncode
        except KeyboardInterrupt:
            print(
                f"interrupted. All rounds are kept: `make report RUN={arguments.run}` makes the report", file=sys.stderr
            )
            code = EXIT_INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(prog="python -m scripts.load", description=__doc__)
    _add_question(parser)
    _add_effort(parser)
    _add_places(parser)
    return parser


def _add_question(parser: argparse.ArgumentParser) -> None:
    targets_argument(parser)
    every = ", ".join(catalog.discover())
    parser.add_argument("--modes", nargs="+", default=["course"], metavar="MODE", help=f"course, all, or of {every}")
    parser.add_argument("--baseline", metavar="MODE", help=f"what the others are compared with (default: {BASELINE})")
    parser.add_argument(
        "--pace",
        default="saturated",
        help="saturated, auto, a rate like 200MiB/s that every mode is offered, or both (default: %(default)s)",
    )
    parser.add_argument(
        "--cache", choices=CACHES, default="warm", help="where the file comes from (default: %(default)s)"
    )
    parser.add_argument("--users", type=int, help=f"connections at once (default: {USERS})")
    parser.add_argument(
        "--sink", choices=SINKS, default="discard", help="what users do with bytes (default: %(default)s)"
    )
    parser.add_argument(
        "--option", action="append", default=[], metavar="MODE.NAME=SIZE", help="like read-send.chunk=64KiB"
    )
    parser.add_argument("--gib-per-day", type=float, help="traffic for which the report counts the cores saved")


def _add_effort(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rounds", type=int, default=12, help="at most (default: %(default)s); fewer than 6 give no interval"
    )
    parser.add_argument(
        "--precision",
        type=float,
        default=TARGET_HALF_WIDTH,
        help="stop when every interval is this narrow on either side, 0 for all rounds (default: %(default)s)",
    )
    parser.add_argument(
        "--retries", type=int, default=RETRIES, help="how often a disturbed round is run again (default: %(default)s)"
    )
    parser.add_argument(
        "--calibrate", choices=("0", "1"), default="0", help="run the baseline twice per round, for the A/A floor"
    )
    parser.add_argument("--window", type=float, help=f"seconds measured per cell (default: {_of_default('window')})")
    parser.add_argument("--warm-up", type=float, help=f"seconds discarded before (default: {_of_default('warm_up')})")
    parser.add_argument(
        "--profile", type=int, help=f"seconds per mode and profiler, py-spy and perf; 0 for none (default: {PROFILE_S})"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of the order (default: random)")


def _add_places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", default=new_name(), help="name (default: the time)")
    parser.add_argument(
        "--root", type=Path, default=Path("data"), help=f"where {SERVED_FILE} lies (default: %(default)s)"
    )
    add_folders(parser)
    parser.add_argument(
        "--pin", choices=("0", "1"), default="1", help="load and servers on CPUs of their own (default: 1)"
    )
    parser.add_argument("--workers", type=int, default=0, help="processes to spread the users over (default: none)")
    parser.add_argument("--master", metavar="HOST:PORT", help="wait there for workers that are started elsewhere")
    parser.add_argument("--agent", metavar="HOST:PORT", help="where servers run: an agent on another host")
    parser.add_argument("--agent-token-file", metavar="FILE", help="the token that it was started with")
    parser.add_argument("--agent-ca", metavar="FILE", help="who signed its certificate (PEM), or `system`")
    parser.add_argument("--any-port", action="store_true", help="serve on free ports instead of the modes' own")
    parser.add_argument("--made", default="", help=argparse.SUPPRESS)


def _of_default(name: str) -> str:
    seconds = {"window": WINDOW_S, "warm_up": WARM_UP_S}[name]
    return f"{seconds['few']:g}, or {seconds['many']:g} from {FEW_MODES + 1} modes on"


def knobs_of(arguments: argparse.Namespace) -> CampaignOptions:
    """The arguments under the names of the knobs."""
    given = {item.name: getattr(arguments, item.name) for item in fields(CampaignOptions)}
    given |= {"modes": tuple(given["modes"]), "option": tuple(given["option"])}
    return CampaignOptions(**given | {"calibrate": given["calibrate"] == "1", "pin": given["pin"] == "1"})


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


if __name__ == "__main__":
    run_command(main)
