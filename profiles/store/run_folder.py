"""A run's folder on disk, and the only code that writes and reads it.

Its rule: a run can be cut short at any moment, and what its folder holds then is whole and can be read.

    profiles/out/RUN/
      run.json        Run: what was asked for, of which targets, on which machine (docs/method.md §8)
      rounds.jsonl    a Cell per line: the score pass, written as soon as the cell is complete
      slices.jsonl    a Slice per line: what the cells are the sums of (docs/method.md §2)
      profile.jsonl   a Profile per line: the py-spy pass, one line per mode (never scored, docs/method.md §1)
      deep.jsonl      a DeepProfile per line: the perf pass, where perf can be had (never scored)
      proof.jsonl     a Proof per line: the prove pass, what each mode really does (never timed)
      probe.jsonl     a Probe per line: a mode under doubled load, to see what limited it (docs/method.md §6)
      code.jsonl      a Code per line: the servers' own code as it was
      samples.jsonl   a Sample per line: counters over time
      paced/          where both questions were asked (docs/method.md §2): the paced run, a folder like this one
      MODE.svg, MODE.raw   py-spy's flame graph and its folded stacks
      MODE.folded     perf's folded stacks, from Python down into the kernel (profiles/profilers/folded_stacks.py)
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from errors import UserError
from profiles.store import old_runs
from profiles.store.files import (
    append_lines,
    decode_json,
    explained,
    is_locked,
    lock,
    read_plain,
    readable,
    unlock,
    write_file,
)
from profiles.store.proof import Proof
from profiles.store.records import Cell, DeepProfile, Probe, Profile, Run, Sample, Slice, State
from profiles.store.run_facts import Code

RUN_FILE = "run.json"
PACED_FOLDER = "paced"
DIED = "its process ended without a word: it was killed (also where memory is short), or the machine went down"
FILES: Mapping[type, str] = {  # of each kind of record
    Cell: "rounds.jsonl",
    Slice: "slices.jsonl",
    Profile: "profile.jsonl",
    DeepProfile: "deep.jsonl",
    Proof: "proof.jsonl",
    Probe: "probe.jsonl",
    Code: "code.jsonl",
    Sample: "samples.jsonl",
}

T = TypeVar("T")
_CELL_FIELDS = frozenset(item.name for item in fields(Cell))
_ADVICE_RUN = "is this the folder of a run? `ls profiles/out` lists them"
_ADVICE_LINE = "restore the file, or remove the broken line"
_KEPT = "; complete rounds are kept"


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of a run or a sweep. Raises UserError when it, or a record in it, cannot be written or read."""

    path: Path

    def refuse_existing(self) -> None:
        """Raises UserError when the folder exists: a run is never mixed with another."""
        if self.path.exists():
            raise UserError(
                f"run {self.path.name!r} exists already in {self.path.parent}: choose another name with RUN=name, "
                f"or remove that folder"
            )

    def create(self) -> None:
        """Make the folder, which must not exist."""
        self.refuse_existing()
        with explained("create the run's folder", self.path):
            self.path.mkdir(parents=True)

    def write_state(self, name: str, record: Any) -> None:
        """Write the record that has a state. While it is "running", the folder is locked by this process."""
        if record.state == "running":
            lock(self.path)
        self.write_file(name, msgspec.json.format(msgspec.json.encode(record), indent=2))
        if record.state != "running":
            unlock(self.path)

    def died(self, state: State) -> bool:
        """Whether the process that wrote this state has ended without a word."""
        return state == "running" and is_locked(self.path) is False

    def write_file(self, name: str, content: bytes) -> None:
        write_file(self.path / name, content, make_parents=False, kept=_KEPT)


class RunFolder(Folder):
    """Writes a run's folder while the run goes on, and reads it ever after."""

    __slots__ = ()

    @property
    def paced(self) -> "RunFolder":
        """The paced run of the same campaign, where both questions were asked."""
        return RunFolder(self.path / PACED_FOLDER)

    @property
    def name(self) -> str:
        """As the commands take it: RUN, or RUN/paced for the paced part of a run that asked both questions."""
        path = self.path.resolve()
        is_part = path.name == PACED_FOLDER and (path.parent / RUN_FILE).exists()
        return f"{path.parent.name}/{path.name}" if is_part else path.name

    def write_run(self, run: Run) -> None:
        self.write_state(RUN_FILE, run)

    def read_run(self) -> Run:
        """One whose process has ended without a word is interrupted."""
        path = self.path / RUN_FILE
        with readable(path, _ADVICE_RUN):
            row = decode_json(path, read_plain(path), _ADVICE_RUN)
        run = converted(path, old_runs.translated_run(row), Run)
        return replace(run, state="interrupted", reason=DIED) if self.died(run.state) else run

    @property
    def started_s(self) -> float:
        """When the run began, by its record, in seconds since 1970; of one that cannot be read, when it was written.
        Raises OSError where there is none."""
        try:
            return datetime.fromisoformat(self.read_run().started_at).timestamp()
        except (UserError, ValueError, OverflowError):
            return (self.path / RUN_FILE).stat().st_mtime

    def append(self, *records: Any) -> None:
        """Append records of one kind to its file."""
        if records:
            lines = b"".join(msgspec.json.encode(_as_stored(record)) + b"\n" for record in records)
            append_lines(self.path / FILES[type(records[0])], lines, _KEPT)

    def read(self, kind: type[T]) -> tuple[T, ...]:
        """All records of a kind, none where they have no file; a last line cut by a kill is left out."""
        path = self.path / FILES[kind]
        if not path.exists():
            return ()
        with readable(path, _ADVICE_LINE):
            lines = enumerate(read_plain(path).split(b"\n")[:-1], 1)
        rows = ((number, decode_json(path, line, _ADVICE_LINE, number)) for number, line in lines)
        return tuple(converted(path, _from_stored(row, kind is Cell), kind, number) for number, row in rows)

    def read_cells(self) -> tuple[Cell, ...]:
        return self.read(Cell)


def _as_stored(record: Any) -> Any:
    """The metrics of a cell stand beside its other fields, so that a line is a row of a table."""
    if isinstance(record, Cell):
        row: dict[str, Any] = msgspec.to_builtins(record)
        metrics: dict[str, Any] = row.pop("metrics")
        return row | metrics
    if isinstance(record, Profile | DeepProfile | Probe):
        return msgspec.to_builtins(record) | {"cell": _as_stored(record.cell)}
    return record


def _from_stored(row: Any, is_cell: bool) -> Any:
    """The reverse; a row of another shape is left for the conversion, which says what is wrong with it."""
    if not isinstance(row, dict):
        return row
    if not is_cell:
        return row | {"cell": _from_stored(row["cell"], True)} if "cell" in row else row
    row = old_runs.translated_cell(row)
    own = {name: value for name, value in row.items() if name in _CELL_FIELDS}
    return own | {"metrics": {name: value for name, value in row.items() if name not in _CELL_FIELDS}}


def converted(path: Path, row: Any, kind: type[T], line: int | None = None) -> T:
    """A record of its kind, its numbers in their ranges. line: of the file; None for all of it. Raises UserError."""
    try:
        return msgspec.convert(row, kind)
    except msgspec.ValidationError as error:
        where = path if line is None else f"{path}, line {line},"
        raise UserError(f"{where} is not a {kind.__name__} of this project: {error}") from error
