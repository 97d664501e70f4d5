"""The records inside a report's page (reports/export/attachments.py), read back into what follows from them.

Its rule: the page comes from a stranger. Only its records are taken, as JSON of exactly their types and ranges; nothing
is unpacked, and its own conclusions are not believed: they are drawn again here. Sizes and counts are limited before
anything is computed from them.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from errors import UserError
from profiles.store.proof import Proof
from profiles.store.records import SCHEMA, Cell, Probe, Profile, Run
from reports.analysis.rounds import build
from reports.export import attachments
from reports.run_data import RunData, concluded
from units import MIB, format_size

MOST_BYTES = 64 * MIB  # of a page
MOST_ROUNDS = 200  # an exact interval takes time that grows with their square, and more
MOST_MODES = 40
_ADVICE = "hand in the index.html of a run's report"
_RECORDS = re.compile(
    rb'<a download="[^"<>]{0,2000}" href="data:application/json;charset=utf-8;base64,([A-Za-z0-9+/=]+)">'
    rb"records(-paced)?\.json</a>"
)
_LEFT_OUT = re.compile(rb"<li>records\.json would be ([0-9.,]{1,20} [KMGT]?i?B), too much")
_OTHER_PAGES = (
    (b'<div class="score" hidden data-run="', "a students' page, which has no measurements in it"),
    (b'aria-label="Every point of the sweep"', "the page of a sweep"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Records:
    """As attachments.downloads() writes them. code: a digest by mode; older reports have none."""

    run: Run
    rounds: tuple[Cell, ...]
    profiles: tuple[Profile, ...]
    proofs: tuple[Proof, ...]
    probes: tuple[Probe, ...]
    code: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was handed in, by the name of its file. code: the digest of what each mode ran."""

    name: str
    run: RunData
    code: Mapping[str, str]


def read(name: str, path: Path) -> Report:
    """Raises UserError, which does not name the file, where it is not a report that can be read here."""
    page = content(path, MOST_BYTES)
    found = {bool(match[2]): match[1] for match in reversed([*_RECORDS.finditer(page)])}  # the first of each kind
    if False not in found:
        raise UserError(_why_not(page))
    saturated, paced = records(found[False]), records(found[True]) if True in found else None
    run = _concluded(saturated)
    return Report(name, replace(run, paced=_concluded(paced)) if paced else run, saturated.code)


def content(path: Path, most_bytes: int) -> bytes:
    """A file of at most this size. Raises UserError."""
    try:
        if not path.is_file():  # a device or a pipe may have no end
            raise UserError("it is not a file" if path.exists() else "there is no such file")
        with path.open("rb") as file:
            found = file.read(most_bytes + 1)
    except OSError as error:
        raise UserError(f"it cannot be read: {error.strerror}") from error
    if len(found) > most_bytes:
        raise UserError(f"it is larger than {format_size(most_bytes)}, the most that is read")
    return found


def _why_not(page: bytes) -> str:
    if left_out := _LEFT_OUT.search(page):
        return f"its records were too large to be put into the page ({left_out[1].decode()}): measure fewer modes"
    what = next((what for mark, what in _OTHER_PAGES if mark in page), "not a report of this project, or an older one")
    return f"it is {what}; {_ADVICE}"


def records(encoded: bytes) -> Records:
    """Raises UserError where they are not exactly records of this version."""
    if len(encoded) > attachments.MOST_BYTES * 4 // 3 + 4:
        raise UserError(f"its records are larger than {format_size(attachments.MOST_BYTES)}, which no report's are")
    try:
        found = msgspec.json.decode(base64.b64decode(encoded, validate=True), type=Records)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, binascii.Error) as error:
        raise UserError(f"its records are damaged, or of another version: {error}") from error
    if found.run.schema != SCHEMA:
        raise UserError(f"its records are of version {found.run.schema}; version {SCHEMA} is read here")
    for what, count, most in (
        ("rounds", len({cell.round for cell in found.rounds}), MOST_ROUNDS),
        ("modes", len(found.run.targets), MOST_MODES),
    ):
        if count > most:
            raise UserError(f"it has {count:,} {what}; at most {most} are read")
    return found


def _concluded(found: Records) -> RunData:
    proofs = tuple(proof for proof in found.proofs if proof.mode in found.run.modes)
    try:
        return concluded(build(found.run, found.rounds, found.profiles, (), proofs, found.probes))
    except (ArithmeticError, ValueError) as error:  # numbers that no run of ours could have
        raise UserError(f"its records hold impossible numbers: {error}") from error
