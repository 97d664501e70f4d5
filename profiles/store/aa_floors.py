"""The A/A floors that were measured here, one JSON line each, beside the folders of the runs.

Its rule: a floor is true for the conditions under which it was measured, and for no others; the newest one counts.

    profiles/out/calibration.jsonl   {"conditions": {...}, "floor": Floor}
"""

from pathlib import Path

import msgspec

from profiles.store.files import append_lines, decode_json, read_plain, readable
from profiles.store.records import Floor
from profiles.store.run_facts import Fact
from profiles.store.run_folder import converted

FILE = "calibration.jsonl"
_ADVICE = "remove it and calibrate again: make load CALIBRATE=1"

Conditions = dict[str, Fact]


class Calibration(msgspec.Struct, frozen=True):
    """A floor, and what it is true for."""

    conditions: Conditions  # fact name to value; all of them must be equal
    floor: Floor  # what was measured under them


def save_floor(folder: Path, conditions: Conditions, floor: Floor) -> None:
    """Append a line. Raises UserError when it cannot be written."""
    append_lines(folder / FILE, msgspec.json.encode(Calibration(conditions, floor)) + b"\n")


def load_floor(folder: Path, conditions: Conditions) -> Floor | None:
    """The newest floor for these conditions; None where none was measured. Raises UserError for a broken file."""
    path = folder / FILE
    with readable(path, _ADVICE):
        lines = enumerate(read_plain(path).splitlines() if path.exists() else (), 1)
    rows = [(number, decode_json(path, line, _ADVICE, number)) for number, line in lines]
    found = [converted(path, row, Calibration, number) for number, row in rows]
    return next((item.floor for item in reversed(found) if item.conditions == conditions), None)
