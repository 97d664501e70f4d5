"""make sweep: curves over an axis, as far as the time goes; `make sweep RUN=name` goes on with one that was begun.

The next round is always run where it tells most: both ends, the middle, coarse to fine, then around a crossover.
"""

import argparse
import random
import sys
from datetime import datetime
from typing import Any

import knobs
from errors import EXIT_DONE, UsageError, UserError, run_command
from load.campaign.options import check_run_name, options_of
from load.served_files import ROOT, too_large
from load.sweep import headless
from load.sweep.axes import AXES, Axis, check_modes
from machine_lock import campaign_lock
from profiles.store.sweep_folder import Sweep, SweepFolder
from profiles.targets import catalog
from scripts.common_arguments import OPTIONS, build_report, check_report, parse, parser_of
from units import MIB, format_size, parse_size

FILE_BYTES = 256 * MIB
# The field of a Sweep that a knob becomes.
FIELDS = {name: name for name in ("users", "sink", "seed", "axis", "pin")}
FIELDS |= {"window": "window_s", "warm_up": "warm_up_s", "rounds": "most_rounds"}
DEFAULTS: dict[str, Any] = {
    **{field: knobs.KNOBS[name.upper()].of["sweep"] for name, field in FIELDS.items()},
    "file_bytes": FILE_BYTES,
    "options": {},
}


def main() -> int:
    arguments = _arguments()
    name = arguments.run or datetime.now().strftime("sweep_%Y-%m-%d_%H-%M-%S")
    folder = SweepFolder(arguments.runs_folder / name)
    sweep = _begun(folder.read(), arguments) if folder.exists else _new(name, arguments)
    for value, reason in sweep.left_out.items():
        print(f"left out: {value}: {reason}", file=sys.stderr)
    check_report()
    with campaign_lock(name, wait=arguments.wait):
        code = headless.run(sweep, folder, arguments.minutes, arguments.root, arguments.ports != "fixed")
        return build_report(arguments, name) if code == EXIT_DONE else code


def _arguments() -> argparse.Namespace:
    """What was asked for: None for what was not, since a sweep that is gone on with knows its own."""
    parser = parser_of("sweep", __doc__, *OPTIONS)
    parser.set_defaults(**dict.fromkeys((*FIELDS, "options")))
    arguments = parse(parser, baseline_first=True)
    arguments.root = arguments.root or ROOT
    if arguments.run is not None:
        check_run_name(arguments.run)
    return arguments


def _asked(arguments: argparse.Namespace, axis: Axis, modes: tuple[str, ...]) -> dict[str, Any]:
    """What was asked for, by field of a Sweep, without what was left to a default. Raises UsageError."""
    asked = {field: value for name, field in FIELDS.items() if (value := getattr(arguments, name)) is not None}
    if arguments.points:
        asked |= {"points": tuple(sorted({axis.parse(text) for text in arguments.points})), "fine": ()}
    if arguments.modes:
        asked["modes"] = modes
    if arguments.size:
        asked["file_bytes"] = parse_size(arguments.size)
    if arguments.options:
        asked["options"] = options_of(tuple(arguments.options), modes)
    return asked


def _begun(sweep: Sweep, arguments: argparse.Namespace) -> Sweep:
    """The sweep that is there. Raises UsageError for a knob that would make another one of it, or one that lacks."""
    known = catalog.discover()
    if unknown := [mode for mode in sweep.modes if mode not in known]:
        raise UsageError(
            f"sweep {sweep.name!r} measures {', '.join(unknown)}, which is named nowhere: give what it was begun "
            f"with: {sweep.command}"
        )
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
    refused = too_large(values, arguments.root)
    if axis.name != "size" and refused:
        raise UserError(f"a file of {format_size(asked['file_bytes'])} is too large here: {refused[values[0]]}")
    left_out = {axis.format(value): reason for value, reason in refused.items()}
    asked["points"], asked["fine"] = (
        tuple(value for value in asked[which] if value not in refused) for which in ("points", "fine")
    )
    if len(asked["points"]) < 2:
        raise UsageError(f"a sweep needs two points or more: give POINTS, like {axis.format(axis.coarse[1])}")
    command = _repeating_command(asked, arguments)
    return Sweep(name, state="running", command=command, left_out=left_out, proofs=(), host={}, sittings=(), **asked)


def _modes(arguments: argparse.Namespace) -> tuple[str, ...]:
    return tuple(target.name for target in catalog.choose(arguments.modes))


def _repeating_command(asked: dict[str, Any], arguments: argparse.Namespace) -> str:
    """What repeats this sweep: all that is no default, and the seed."""
    values = {name: asked[field] for name, field in FIELDS.items() if asked[field] != DEFAULTS[field]}
    values |= {"axis": asked["axis"], "modes": asked["modes"], "minutes": arguments.minutes, "seed": asked["seed"]}
    values |= {"points": arguments.points, "options": arguments.options}
    values["size"] = asked["file_bytes"] if asked["file_bytes"] != FILE_BYTES else None
    values["targets"] = catalog.file_to_name(asked["modes"])
    values |= catalog.lines_of(asked["modes"])
    return knobs.command_line("sweep", values)


if __name__ == "__main__":
    run_command(main)
