"""make crosscheck: compares the CPU time that the score is made of with what other counters say of the same server.

It also says whether stolen time counts as CPU time. No answer to that is an error: a campaign tries it for itself.
"""

from errors import EXIT_DONE, EXIT_FAILED, UsageError, run_command
from profiles.checks import process_clock
from profiles.checks.crosscheck import TOLERANCE, CpuReading, crosscheck
from profiles.targets.catalog import choose
from scripts.common_arguments import parse, parser_of, print_table

_VERDICTS = {True: f"agrees (within {TOLERANCE:.0%})", False: "differs", None: "not judged"}
CLOCK_S = 5.0
HEADINGS = ("mode", "counter", "it says, s", "the score's clock, s", "ratio", "")
NOTE = """\
Ticks, control group and getrusage use the scheduler's clock, as the score does: they show that no thread is missed.
perf stat has its own clock, which stops at another point of a context switch: the two agree where the server is never
idle, as here, and differ by the cost of the switches where it waits. Network work that ksoftirqd, a kernel thread, does
for a server is billed to no process; only perf stat counts it. The CPU time of the whole machine in the report includes
all of this."""


def main() -> int:
    parser = parser_of("crosscheck", __doc__, "--root")
    parser.add_argument("--seconds", type=float, default=3.0, help="of load per mode (default: %(default)s)")
    arguments = parse(parser)
    if not 0.2 <= arguments.seconds <= 600:
        raise UsageError(f"--seconds {arguments.seconds:g}: give 0.2 to 600")
    readings = [
        (target.name, reading)
        for target in choose(arguments.modes)
        for reading in crosscheck(target, arguments.root, arguments.seconds)
    ]
    print_table("CPU time of the server, by other counters", HEADINGS, [_row(*each) for each in readings])
    print(NOTE)
    text = process_clock.check((), CLOCK_S).text
    print(f"{text[0].upper()}{text[1:]}.")
    return EXIT_FAILED if any(reading.agrees is False for _, reading in readings) else EXIT_DONE


def _row(mode: str, reading: CpuReading) -> tuple[str, ...]:
    if reading.ratio is None:
        return mode, reading.name, "–", "–", "–", f"unknown: {reading.reason}"
    numbers = f"{reading.theirs_s:.3f}", f"{reading.ours_s:.3f}", f"{reading.ratio:.3f}"
    return mode, reading.name, *numbers, _VERDICTS[reading.agrees]


if __name__ == "__main__":
    run_command(main)
