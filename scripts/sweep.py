"""make sweep: curves over an axis, as far as the time goes; `make sweep RUN=name` goes on with one that was begun.

The next round is always run where it tells most: both ends, the middle, coarse to fine, then around a crossover.
"""

import argparse
import random
import shlex
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from errors import EXIT_DONE, CommandParser, UsageError, UserError, run_command
from load.campaign.options import check_run_name, options_of
from load.sweep import headless
from load.sweep.axes import AXES, MOST_CONNECTIONS, Axis, check_modes
from load.sweep.files import too_large
from load.sweep.next_point import MOST_ROUNDS
from load.users.connection import SINKS
from profiles.store.sweep_folder import Sweep, SweepFolder
from profiles.targets import catalog
from scripts.common_arguments import targets_argument
from scripts.folders import add_folders
from units import MIB, format_size, parse_size

MINUTES = 10.0
MODES = "read-send sendfile"
FILE_BYTES = 256 * MIB
DEFAULTS: dict[str, Any] = {
    "users": 4,
    "window_s": 1.0,
    "warm_up_s": 0.3,
    "most_rounds": MOST_ROUNDS,
    "sink": "discard",
    "pin": True,
    "file_bytes": FILE_BYTES,
    "options": {},
}
FIELDS = {"users": "users", "window": "window_s", "warm_up": "warm_up_s", "rounds": "most_rounds", "sink": "sink"}
FIELDS |= {"seed": "seed", "axis": "axis"}
LIMITS = (
    ("minutes", 0.01, 24 * 60),
    ("users", 1, MOST_CONNECTIONS),
    ("window", 0.2, 3600),
    ("warm_up", 0, 600),
    ("rounds", 1, 1000),
)


def main() -> int:
    arguments = _parser().parse_args()
    _check(arguments)
    name = arguments.run or datetime.now().strftime("sweep_%Y-%m-%d_%H-%M-%S")
    folder = SweepFolder(arguments.profiles / name)
    sweep = _begun(folder.read(), arguments) if folder.exists else _new(name, arguments)
    for value, reason in sweep.left_out.items():
        print(f"left out: {value}: {reason}", file=sys.stderr)
    files = arguments.root / "sweep"
    code = headless.run(sweep, folder, arguments.minutes, files, _make_file, arguments.any_port)
    if code == EXIT_DONE:
        report = [sys.executable, "-m", "scripts.report", name]
        report += ["--profiles", str(arguments.profiles), "--reports", str(arguments.reports)]
        code = subprocess.run(report, check=False).returncode
    return code


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(prog="python -m scripts.sweep", description=__doc__)
    targets_argument(parser)
    parser.add_argument("--axis", choices=tuple(AXES), help="what is swept (default: size)")
    parser.add_argument("--points", nargs="+", metavar="VALUE", help="of the axis (default: a grid)")
    parser.add_argument("--modes", nargs="+", metavar="MODE", help="the first is the baseline (read-send sendfile)")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="for this sitting (default: %(default)s)")
    parser.add_argument("--rounds", type=int, help=f"at most, per point (default: {MOST_ROUNDS})")
    parser.add_argument("--window", type=float, help="seconds measured per cell (default: 1)")
    parser.add_argument("--warm-up", type=float, help="seconds discarded before (default: 0.3)")
    parser.add_argument("--users", type=int, help="connections, where they are not the axis (default: 4)")
    parser.add_argument("--size", help="of the file, where it is not the axis (default: 256MiB)")
    parser.add_argument("--sink", choices=SINKS, help="what users do with bytes (default: discard)")
    parser.add_argument("--option", action="append", metavar="MODE.NAME=SIZE", help="like read-send.chunk=64KiB")
    parser.add_argument("--pin", choices=("0", "1"), help="load and servers on CPUs of their own (default: 1)")
    parser.add_argument("--seed", type=int, help="of the orders (default: random)")
    parser.add_argument("--run", help="name; of one that was begun: go on with it (default: the time)")
    parser.add_argument("--root", type=Path, default=Path("data"), help="files go to sweep/ below (%(default)s)")
    add_folders(parser)
    parser.add_argument("--any-port", action="store_true", help="serve on free ports instead of the modes' own")
    return parser


def _check(arguments: argparse.Namespace) -> None:
    for name, least, most in LIMITS:
        value = getattr(arguments, name)
        if value is not None and not least <= value <= most:
            raise UsageError(f"{name.upper()}={value:g}: give {least:g} to {most:g}")
    if arguments.run is not None:
        check_run_name(arguments.run)


def _asked(arguments: argparse.Namespace, axis: Axis, modes: tuple[str, ...]) -> dict[str, Any]:
    """What was asked for, by field of a Sweep, without what was left to a default. Raises UsageError."""
    asked = {field: value for name, field in FIELDS.items() if (value := getattr(arguments, name)) is not None}
    if arguments.points:
        asked |= {"points": tuple(sorted({axis.parse(text) for text in arguments.points})), "fine": ()}
    if arguments.modes:
        asked["modes"] = modes
    if arguments.size:
        asked["file_bytes"] = parse_size(arguments.size)
    if arguments.pin:
        asked["pin"] = arguments.pin == "1"
    if arguments.option:
        asked["options"] = options_of(tuple(arguments.option), modes)
    return asked


def _begun(sweep: Sweep, arguments: argparse.Namespace) -> Sweep:
    """The sweep that is there. Raises UsageError for a knob that would make another one of it."""
    modes = _modes(arguments) if arguments.modes else sweep.modes
    for field, value in _asked(arguments, AXES[sweep.axis], modes).items():
        if (before := getattr(sweep, field)) != value:
            what = field.removesuffix("_s").upper().replace("MOST_", "").replace("FILE_BYTES", "SIZE")
            raise UsageError(
                f"sweep {sweep.name!r} was begun with another {what}, {before!r}: leave it out to go on, or begin "
                f"another with RUN=name"
            )
    return sweep


def _new(name: str, arguments: argparse.Namespace) -> Sweep:
    """Raises UsageError where that is no sweep, UserError where the machine has no room for it."""
    axis = AXES[arguments.axis or "size"]
    modes = _modes(arguments) if arguments.modes else axis.modes
    check_modes(axis, modes)
    grid = {"points": axis.coarse, "fine": axis.fine, "seed": random.randrange(1 << 32)}
    asked = DEFAULTS | grid | _asked(arguments, axis, modes) | {"axis": axis.name, "modes": modes}
    values = tuple(sorted({*asked["points"], *asked["fine"]})) if axis.name == "size" else (asked["file_bytes"],)
    refused = too_large(values, arguments.root / "sweep")
    if axis.name != "size" and refused:
        raise UserError(f"a file of {format_size(asked['file_bytes'])} is too large here: {refused[values[0]]}")
    left_out = {axis.say(value): reason for value, reason in refused.items()}
    asked["points"], asked["fine"] = (
        tuple(value for value in asked[which] if value not in refused) for which in ("points", "fine")
    )
    if len(asked["points"]) < 2:
        raise UsageError(f"a sweep needs two points or more: give POINTS, like {axis.say(axis.coarse[1])}")
    command = _repeating_command(asked, arguments)
    return Sweep(name, state="running", command=command, left_out=left_out, proofs=(), host={}, sittings=(), **asked)


def _modes(arguments: argparse.Namespace) -> tuple[str, ...]:
    return tuple(target.name for target in catalog.choose(arguments.modes))


def _repeating_command(asked: dict[str, Any], arguments: argparse.Namespace) -> str:
    """What repeats this sweep: all that is no default, and the seed."""
    knobs: dict[str, Any] = {"AXIS": asked["axis"], "MODES": " ".join(asked["modes"]), "MINUTES": arguments.minutes}
    knobs |= {"POINTS": " ".join(arguments.points)} if arguments.points else {}
    for name, field in (("ROUNDS", "most_rounds"), ("WINDOW", "window_s"), ("WARM_UP", "warm_up_s")):
        knobs |= {name: asked[field]} if asked[field] != DEFAULTS[field] else {}
    for name, field in (("USERS", "users"), ("SIZE", "file_bytes"), ("SINK", "sink")):
        knobs |= {name: asked[field]} if asked[field] != DEFAULTS[field] else {}
    knobs |= {"OPTIONS": " ".join(arguments.option)} if arguments.option else {}
    knobs |= {} if asked["pin"] else {"PIN": 0}
    knobs |= {"TARGETS": catalog.file()} if any(map(catalog.is_guest_of_a_file, asked["modes"])) else {}
    knobs |= {"SEED": asked["seed"]}
    said = {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in knobs.items()}
    return "make sweep " + " ".join(f"{name}={shlex.quote(value)}" for name, value in said.items())


def _make_file(folder: Path, size_bytes: int) -> None:
    """The test file of this size in this folder, unless it is there. Raises UserError."""
    command = [sys.executable, "-m", "scripts.test_file", "--size", str(size_bytes), "--root", str(folder)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise UserError(done.stderr.strip().removeprefix("error: ") or f"the file of {size_bytes} bytes was not made")


if __name__ == "__main__":
    run_command(main)
