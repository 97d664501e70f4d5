"""make crosscheck: compares the CPU time that the score is made of with what other counters say of the same server.

It also says whether stolen time counts as CPU time. No answer is an error, since each is a fact about this machine: a
campaign tries for itself whether the clock excludes steal, and tests/profiles/checks/ holds that the counts agree.
"""

from collections.abc import Sequence

from errors import EXIT_DONE, run_command
from machine_lock import campaign_lock
from profiles.checks import process_clock
from profiles.checks.crosscheck import ENOUGH_S, NOT_BILLED, TOLERANCE, CpuReading, crosscheck
from profiles.targets.catalog import choose
from scripts.common_arguments import parse, parser_of, print_table, served_folder

CLOCK_S = 5.0
HEADINGS = ("mode", "counter", "it says, s", "the score's clock, s", "ratio", "")
NOTE = """\
Ticks, control group and getrusage use the scheduler's clock, as the score does: they show that no thread is missed.
perf stat has its own clock, which stops at another point of a context switch: the two agree where the server is never
idle, as here, and differ by the cost of the switches where it waits. Network work that ksoftirqd, a kernel thread, does
for a server is billed to no process; only perf stat counts it. The CPU time of the whole machine in the report includes
all of this."""


def main() -> int:
    arguments = parse(parser_of("crosscheck", __doc__, "--root"))
    targets = choose(arguments.modes)
    with campaign_lock("crosscheck", wait=arguments.wait):
        root = served_folder(arguments)
        readings = [
            (target.name, reading) for target in targets for reading in crosscheck(target, root, arguments.window)
        ]
    print_table("CPU time of the server, by other counters", HEADINGS, [_row(*each) for each in readings])
    print(NOTE)
    text = process_clock.check((), CLOCK_S).text
    print(f"{text[0].upper()}{text[1:]}.")
    print(summary(readings))
    return EXIT_DONE


def summary(readings: Sequence[tuple[str, CpuReading]]) -> str:
    """What follows from all of them: a difference is said, with what to do."""
    judged = [(mode, reading) for mode, reading in readings if reading.agrees is not None]
    different = [f"{reading.name} of {mode}" for mode, reading in judged if not reading.agrees]
    if not judged:
        return f"Nothing could be judged: give a WINDOW in which each server uses {ENOUGH_S:g} s of CPU time."
    if not different:
        return "Whatever could be judged agrees with the score's clock."
    return (
        f"{len(different)} of {len(judged)} counts differ: {', '.join(different)}. Other work on this machine can do "
        f"that: try again when it is quiet, and for longer (WINDOW=20)."
    )


def _row(mode: str, reading: CpuReading) -> tuple[str, ...]:
    if reading.ratio is None:
        return mode, reading.name, "–", "–", "–", f"unknown: {reading.reason}"
    numbers = f"{reading.theirs_s:.3f}", f"{reading.ours_s:.3f}", f"{reading.ratio:.3f}"
    return mode, reading.name, *numbers, _verdict(reading)


def _verdict(reading: CpuReading) -> str:
    if reading.agrees is not None:
        return f"agrees (within {TOLERANCE:.0%})" if reading.agrees else "differs"
    return "" if reading.name == NOT_BILLED else f"not judged: less than {ENOUGH_S:g} s"


if __name__ == "__main__":
    run_command(main)
