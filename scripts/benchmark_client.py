"""The course's benchmark client: downloads the test file again and again from a server that is running already.

Any Python starts it, from any folder. Where that one lacks what the project needs, the one that `make servers` set up
takes over; where there is none, no server of this checkout can be running yet, and it says what starts them.
"""

import os
import sys
from pathlib import Path
from typing import NoReturn

PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"


def _take_over(error: ImportError) -> NoReturn:
    """Run this file once more, with the Python of the set-up."""
    if sys.prefix == str(VENV):
        sys.exit(f"error: .venv is incomplete ({error}): complete it with `make setup`")
    if not (VENV / "bin" / "python").exists():
        sys.exit("error: nothing is set up here yet: start the servers with `make servers`, then try again")
    python = str(VENV / "bin" / "python")
    os.execv(python, [python, __file__, *sys.argv[1:]])


sys.path.insert(0, str(PROJECT))  # run as a file, as in the course
try:
    if sys.version_info < (3, 11):
        raise ImportError("Python 3.11 or newer is needed")
    from errors import EXIT_DONE, CommandParser, UsageError, run_command
    from load.users.connection import SINKS
    from load.users.plain_client import download_repeatedly
    from load.users.raw_connection import CONNECTIONS
    from profiles.targets.catalog import choose, discover, use_lab
except ImportError as error:
    _take_over(error)


def main() -> int:
    parser = CommandParser(prog="benchmark_client.py", description=str(__doc__).partition("\n")[0])
    parser.add_argument("mode", help=f"one of {', '.join(discover())}; its server must be running (`make servers`)")
    parser.add_argument("--iterations", type=int, default=10, help="downloads (default: %(default)s)")
    parser.add_argument("--sink", choices=SINKS, default="copy", help="what becomes of the bytes (default: copy)")
    parser.add_argument("--port", type=int, help="default: the mode's own")
    parser.add_argument("--protocol", choices=tuple(CONNECTIONS), help="of the server (default: the mode's own)")
    arguments = parser.parse_args()
    if not 1 <= arguments.iterations <= 1_000_000:
        raise UsageError(f"--iterations {arguments.iterations}: give 1 to 1000000")
    use_lab([arguments.mode])
    (target,) = choose([arguments.mode])
    port = target.facts.port if arguments.port is None else arguments.port
    if not 1 <= port <= 65535:
        raise UsageError(f"--port {port}: ports go from 1 to 65535")
    protocol = arguments.protocol or target.facts.protocol
    print("\n".join(download_repeatedly(target, port, arguments.iterations, arguments.sink, protocol)))
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
