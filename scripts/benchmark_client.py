"""The course's benchmark client: downloads the test file again and again from a server that is running already."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run as a file, as in the course

from errors import EXIT_DONE, CommandParser, UsageError, run_command
from load.users.connection import SINKS
from load.users.plain_client import download_repeatedly
from profiles.targets.catalog import choose, discover


def main() -> int:
    parser = CommandParser(prog="python -m scripts.benchmark_client", description=__doc__)
    parser.add_argument("mode", help=f"one of {', '.join(discover())}; its server must be running (`make servers`)")
    parser.add_argument("--iterations", type=int, default=10, help="downloads (default: %(default)s)")
    parser.add_argument("--sink", choices=SINKS, default="copy", help="what becomes of the bytes (default: copy)")
    parser.add_argument("--port", type=int, help="default: the mode's own")
    arguments = parser.parse_args()
    if not 1 <= arguments.iterations <= 1_000_000:
        raise UsageError(f"--iterations {arguments.iterations}: give 1 to 1000000")
    (target,) = choose([arguments.mode])
    port = target.facts.port if arguments.port is None else arguments.port
    if not 1 <= port <= 65535:
        raise UsageError(f"--port {port}: ports go from 1 to 65535")
    print("\n".join(download_repeatedly(target, port, arguments.iterations, arguments.sink)))
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
