"""The A/A floors that were measured here, one JSON line each, beside the folders of the runs.

Its rule: a floor is true for the conditions under which it was measured, and for no others; the newest one counts.

    profiles/out/calibration.jsonl   {"conditions": {...}, "floor": Floor}
"""

import os
from pathlib import Path

import msgspec

from errors import UserError, remedy
from profiles.store.records import Floor

FILE = "calibration.jsonl"

Conditions = dict[str, str | int | float | None]


class Calibration(msgspec.Struct, frozen=True):
    """A floor, and what it is true for."""

    conditions: Conditions
    floor: Floor


def save_floor(folder: Path, conditions: Conditions, floor: Floor) -> None:
    """Add a line. Raises UserError when it cannot be written."""
    line = msgspec.json.encode(Calibration(conditions, floor)) + b"\n"
    path = folder / FILE
    try:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.write(fd, line)
        finally:
            os.close(fd)
    except OSError as error:
        raise UserError(f"cannot keep the A/A floor in {path}: {error.strerror}; {remedy(error)}") from error


def load_floor(folder: Path, conditions: Conditions) -> Floor | None:
    """The newest floor for these conditions; None where none was measured. Raises UserError for a broken file."""
    path = folder / FILE
    try:
        lines = path.read_bytes().splitlines()
        found = [msgspec.json.decode(line, type=Calibration) for line in lines]
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise UserError(f"cannot read {path}: {error}; remove it and calibrate again: make load CALIBRATE=1") from error
    return next((item.floor for item in reversed(found) if item.conditions == conditions), None)
