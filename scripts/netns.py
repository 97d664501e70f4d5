"""make load NETNS=1: a campaign between two network namespaces of this machine, which are made for it and removed.

What it does not know of is for scripts.load. Needs root.
"""

import signal
from pathlib import Path

from errors import CommandParser, UsageError, run_command
from load.netns import campaign
from load.netns.namespaces import Link
from load.process import campaign_lock


def main() -> int:
    parser = CommandParser(prog="python -m scripts.netns", description=__doc__, allow_abbrev=False)
    parser.add_argument("--rate", help="what either end may send, like 1gbit (default: unlimited)")
    parser.add_argument("--mtu", type=int, help="of the link, in bytes (default: 1500)")
    parser.add_argument("--root", type=Path, default=Path("data"), help="where test-file.bin lies (%(default)s)")
    parser.add_argument("--any-port", action="store_true", help="run beside other campaigns")
    arguments, load = parser.parse_known_args()
    if any(word.startswith("--agent") for word in load):
        raise UsageError("NETNS=1 makes a host for the servers: leave out AGENT, or NETNS")
    link = Link.parse(arguments.rate, arguments.mtu)
    knobs = {"NETNS": 1, "RATE": arguments.rate, "MTU": arguments.mtu}
    made = " ".join(f"{name}={value}" for name, value in knobs.items() if value is not None)
    load += [f"--made={made}", f"--root={arguments.root}", *(["--any-port"] if arguments.any_port else [])]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends in order, as Ctrl-C does
    with campaign_lock(arguments.any_port):
        return campaign.run(load, arguments.root, link)


if __name__ == "__main__":
    run_command(main)
