"""make load: a campaign without a browser, then its report.

Every round downloads from every mode once, in balanced order; then each mode is profiled under the same load.
"""

import argparse
import os
import random
import re
import shlex
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from errors import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, CommandParser, UsageError, run_command
from load import headless, pace
from load.client import SINKS
from load.placement import choose
from load.settings import Settings
from profiles import targets
from profiles.run_folder import RunFolder
from units import parse_size

BASELINE = "read-send"
FEW_MODES = 4
WINDOW_S = {"few": 2.0, "many": 0.7}  # many modes share the three minutes that a campaign may take
WARM_UP_S = {"few": 0.5, "many": 0.2}
PROFILE_S = 3
USERS = 4
OF_LOADED_CELLS = ("users", "window", "warm_up", "profile")  # a cold cell has none of these
RETRIES = 2
TARGET_HALF_WIDTH = 0.05  # method.md §4
COURSE_MODES = ("read-send", "sendfile", "read-whole")
RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def main() -> int:
    arguments = _parser().parse_args()
    modes = _modes(arguments.modes, arguments.baseline)
    _check(arguments)
    _fill_in(arguments, modes)
    settings = Settings(
        modes=modes,
        named=arguments.modes != ["all"],
        rounds=arguments.rounds,
        window_s=arguments.window,
        warm_up_s=arguments.warm_up,
        profile_s=arguments.profile,
        users=arguments.users,
        sink=arguments.sink,
        seed=arguments.seed,
        command=_repeating_command(arguments, modes),
        options=options_of(arguments.option, modes),
        gib_per_day=arguments.gib_per_day,
        any_port=arguments.any_port,
        precision=arguments.precision,
        retries=arguments.retries,
        calibrate=arguments.calibrate == "1",
        pace=pace.parse(arguments.pace),
        cache=arguments.cache,
        placement=choose(os.sched_getaffinity(0), wanted=arguments.pin == "1"),
    )
    folder = RunFolder(arguments.profiles / arguments.run)
    code = headless.run(settings, arguments.root, folder)
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
    every = ", ".join(targets.discover())
    parser.add_argument("--modes", nargs="+", default=["course"], metavar="MODE", help=f"course, all, or of {every}")
    parser.add_argument("--baseline", metavar="MODE", help=f"what the others are compared with (default: {BASELINE})")
    parser.add_argument(
        "--rounds", type=int, default=10, help="at most (default: %(default)s); fewer than 6 give no interval"
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
    parser.add_argument(
        "--pace",
        default="saturated",
        help="saturated, auto, a rate like 200MiB/s that every mode is offered, or both (default: %(default)s)",
    )
    parser.add_argument(
        "--cache", choices=("warm", "cold"), default="warm", help="where the file comes from (default: %(default)s)"
    )
    parser.add_argument("--window", type=float, help=f"seconds measured per cell (default: {_of_default('window')})")
    parser.add_argument("--warm-up", type=float, help=f"seconds discarded before (default: {_of_default('warm_up')})")
    parser.add_argument("--profile", type=int, help=f"seconds of py-spy per mode, 0 for none (default: {PROFILE_S})")
    parser.add_argument("--users", type=int, help=f"connections at once (default: {USERS})")
    parser.add_argument(
        "--sink", choices=SINKS, default="discard", help="what users do with bytes (default: %(default)s)"
    )
    parser.add_argument(
        "--option", action="append", default=[], metavar="MODE.NAME=SIZE", help="like read-send.chunk=64KiB"
    )
    parser.add_argument("--gib-per-day", type=float, help="traffic for which the report counts the cores saved")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of the order (default: random)")
    parser.add_argument("--run", default=datetime.now().strftime("%Y-%m-%d_%H-%M-%S"), help="name (default: the time)")
    parser.add_argument(
        "--root", type=Path, default=Path("data"), help="where test-file.bin lies (default: %(default)s)"
    )
    parser.add_argument(
        "--profiles", type=Path, default=Path("profiles/out"), help="records go below (default: %(default)s)"
    )
    parser.add_argument(
        "--reports", type=Path, default=Path("reports/out"), help="the report goes below (default: %(default)s)"
    )
    parser.add_argument(
        "--pin", choices=("0", "1"), default="1", help="load and servers on CPUs of their own (default: 1)"
    )
    parser.add_argument("--any-port", action="store_true", help="serve on free ports instead of the modes' own")
    return parser


def _modes(given: list[str], baseline: str | None) -> tuple[str, ...]:
    """The modes to measure, the baseline first; "course" and "all" stand for several. Raises UsageError."""
    several = {"course": list(COURSE_MODES), "all": list(targets.discover())}
    names = [target.name for target in targets.choose(several.get(given[0], given) if len(given) == 1 else given)]
    first = baseline or (BASELINE if BASELINE in names else names[0])
    if first not in names:
        raise UsageError(f"the baseline {first!r} is not among the modes: {' '.join(names)}")
    return (first, *(name for name in names if name != first))


def _of_default(name: str) -> str:
    seconds = {"window": WINDOW_S, "warm_up": WARM_UP_S}[name]
    return f"{seconds['few']:g}, or {seconds['many']:g} from {FEW_MODES + 1} modes on"


def _fill_in(arguments: argparse.Namespace, modes: tuple[str, ...]) -> None:
    """The defaults that depend on others. A cold cell is one download by one user, and too short for py-spy."""
    if arguments.cache == "cold":
        arguments.users, arguments.window, arguments.warm_up, arguments.profile = 1, 0.0, 0.0, 0
        return
    arguments.users = USERS if arguments.users is None else arguments.users
    arguments.profile = PROFILE_S if arguments.profile is None else arguments.profile
    many = "few" if len(modes) <= FEW_MODES else "many"
    arguments.window = WINDOW_S[many] if arguments.window is None else arguments.window
    arguments.warm_up = WARM_UP_S[many] if arguments.warm_up is None else arguments.warm_up


def _check(arguments: argparse.Namespace) -> None:
    for name, least, most in (
        ("rounds", 1, 1000),
        ("users", 1, 2000),
        ("window", 0.2, 3600),
        ("warm_up", 0, 600),
        ("profile", 0, 600),
        ("precision", 0, 1),
        ("retries", 0, 10),
        ("gib_per_day", 0.001, 10**12),
    ):
        value = getattr(arguments, name)
        if value is not None and not least <= value <= most:
            raise UsageError(f"{name.upper()}={value}: give {least} to {most}")
    unfit = [name for name in OF_LOADED_CELLS if getattr(arguments, name) is not None]
    unfit += ["pace"] if pace.parse(arguments.pace) != pace.SATURATED else []
    if arguments.cache == "cold" and unfit:
        names = ", ".join(unfit).upper()
        raise UsageError(f"CACHE=cold measures one download by one user in each cell: leave out {names}")
    check_run_name(arguments.run)


def check_run_name(name: str) -> None:
    """Raises UsageError for what is no name of a folder."""
    if not RUN_NAME.fullmatch(name):
        raise UsageError(f"RUN={name!r} is no name for a folder: letters, digits, dot, dash and underscore will do")


def options_of(given: list[str], modes: tuple[str, ...]) -> dict[str, dict[str, int]]:
    """MODE.NAME=SIZE, several times, as sizes by mode and name. Raises UsageError."""
    known = targets.discover()
    options: dict[str, dict[str, int]] = {}
    for text in given:
        mode, dot, rest = text.partition(".")
        name, equals, size = rest.partition("=")
        if not dot or not equals or mode not in modes or name not in known[mode].facts.options:
            raise UsageError(
                f"--option {text!r} is not MODE.NAME=SIZE of a mode that is measured, like read-send.chunk=64KiB"
            )
        options.setdefault(mode, {})[name] = parse_size(size)
        known[mode].check(options[mode])
    return options


def _repeating_command(arguments: argparse.Namespace, modes: tuple[str, ...]) -> str:
    """What repeats this run, with everything that was left to a default or to chance spelled out."""
    cold = arguments.cache == "cold"
    size_bytes = _size_bytes(arguments.root / "test-file.bin")
    knobs = {
        "MODES": " ".join(modes),
        "ROUNDS": arguments.rounds,
        **({"CACHE": "cold"} if cold else {"WINDOW": f"{arguments.window:g}", "USERS": arguments.users}),
        "SINK": arguments.sink,
        "SIZE": size_bytes,
        "SEED": arguments.seed,
    }
    knobs |= {"WARM_UP": f"{arguments.warm_up:g}"} if not cold and arguments.warm_up != WARM_UP_S["few"] else {}
    knobs |= {"PROFILE": arguments.profile} if not cold and arguments.profile != PROFILE_S else {}
    knobs |= {"BASELINE": modes[0]} if modes[0] != BASELINE else {}
    knobs |= {"GIB_PER_DAY": f"{arguments.gib_per_day:.12g}"} if arguments.gib_per_day is not None else {}
    knobs |= {"PRECISION": f"{arguments.precision:g}"} if arguments.precision != TARGET_HALF_WIDTH else {}
    knobs |= {"RETRIES": arguments.retries} if arguments.retries != RETRIES else {}
    knobs |= {"CALIBRATE": 1} if arguments.calibrate == "1" else {}
    knobs |= {"PIN": 0} if arguments.pin == "0" else {}
    knobs |= {"OPTIONS": " ".join(arguments.option)} if arguments.option else {}
    return "make load " + " ".join(f"{name}={shlex.quote(str(value))}" for name, value in knobs.items())


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


if __name__ == "__main__":
    run_command(main)
