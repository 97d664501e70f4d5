"""make crosscheck: the CPU time that the score is made of, held against what others count of the same server."""

from pathlib import Path

from errors import EXIT_DONE, EXIT_FAILED, CommandParser, UsageError, run_command
from profiles.crosscheck import TOLERANCE, Account, crosscheck
from profiles.targets import choose
from scripts.tables import print_table

HEADINGS = ("mode", "account", "theirs, s", "the score's clock, s", "ratio", "")
NOTE = """\
Ticks, control group and getrusage hang on the scheduler's clock, as the score does: they check that no thread is
missed. perf stat is independent. It stops when a thread has been switched out, the scheduler's clock when it was taken
off the run queue: what the scheduler does in between, at every wait, is billed to no process; it shows in the CPU time
of the whole machine."""


def main() -> int:
    parser = CommandParser(prog="python -m scripts.crosscheck", description=__doc__)
    parser.add_argument("--modes", nargs="+", default=["read-send", "sendfile"], metavar="MODE", help="default: both")
    parser.add_argument("--seconds", type=float, default=3.0, help="of load per mode (default: %(default)s)")
    parser.add_argument("--root", type=Path, default=Path("data"), help="where test-file.bin lies (default: data)")
    arguments = parser.parse_args()
    if not 0.2 <= arguments.seconds <= 600:
        raise UsageError(f"--seconds {arguments.seconds:g}: give 0.2 to 600")
    told = [
        (target.name, account)
        for target in choose(arguments.modes)
        for account in crosscheck(target, arguments.root, arguments.seconds)
    ]
    print_table("CPU time of the server, counted by others", HEADINGS, [_row(*each) for each in told])
    print(NOTE)
    return EXIT_FAILED if any(account.agrees is False for _, account in told) else EXIT_DONE


def _row(mode: str, account: Account) -> tuple[str, ...]:
    if account.ratio is None:
        return mode, account.name, "–", "–", "–", f"unknown: {account.reason}"
    verdict = "agrees" if account.agrees else "differs"
    numbers = f"{account.theirs_s:.3f}", f"{account.ours_s:.3f}", f"{account.ratio:.3f}"
    return mode, account.name, *numbers, f"{verdict} (within {TOLERANCE:.0%})" if account.agrees else verdict


if __name__ == "__main__":
    run_command(main)
