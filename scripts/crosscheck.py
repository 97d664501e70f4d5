"""make crosscheck: the CPU time that the score is made of, held against what others count of the same server."""

from errors import EXIT_DONE, EXIT_FAILED, UsageError, run_command
from profiles.checks.crosscheck import TOLERANCE, CpuReading, crosscheck
from profiles.targets.catalog import choose
from scripts.common_arguments import add_root, parse, parser_of, print_table

_VERDICTS = {True: f"agrees (within {TOLERANCE:.0%})", False: "differs", None: "not judged"}
HEADINGS = ("mode", "account", "theirs, s", "the score's clock, s", "ratio", "")
NOTE = """\
Ticks, control group and getrusage hang on the scheduler's clock, as the score does: they check that no thread is
missed. perf stat has a clock of its own. The two stop at different places of a switch between threads, so they agree
where the server is never idle, as here, and part by what switches cost where it waits. What ksoftirqd, a thread of the
kernel, did of a server's network work is billed to no process; perf stat counts it. The report's CPU time of the whole
machine has all of this."""


def main() -> int:
    parser = parser_of("crosscheck", __doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of load per mode (default: %(default)s)")
    add_root(parser)
    arguments = parse(parser)
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


def _row(mode: str, account: CpuReading) -> tuple[str, ...]:
    if account.ratio is None:
        return mode, account.name, "–", "–", "–", f"unknown: {account.reason}"
    numbers = f"{account.theirs_s:.3f}", f"{account.ours_s:.3f}", f"{account.ratio:.3f}"
    return mode, account.name, *numbers, _VERDICTS[account.agrees]


if __name__ == "__main__":
    run_command(main)
