"""A run's folder on disk, and the only code that writes and reads it.

Its rule: a run can be cut short at any moment, and what stands in its folder is whole and can be read.

    profiles/out/RUN/
      run.json        Run: what was asked for, of which targets, on which machine (method.md §8)
      rounds.jsonl    Cell per line: the score pass, written as soon as the cell is complete
      profile.jsonl   Profile per line: the profile pass, one line per mode (never scored, method.md §1)
      deep.jsonl      DeepProfile per line: the same with perf, where it could be had (never scored)
      proof.jsonl     Proof per line: the prove pass, what each mode really does (never timed)
      probe.jsonl     Probe per line: a mode under doubled load, to see what limited it (never scored, method.md §6)
      code.jsonl      Code per line: the servers' own code as it was, to be quoted
      samples.jsonl   Sample per line: counters over time
      paced/          where both questions were asked (method.md §2): the paced run, a folder like this one
      MODE.svg, MODE.raw   py-spy's flame graph and its folded stacks
      MODE.folded     perf's folded stacks, from the line of Python down into the kernel (profiles/profilers/folded_stacks.py)
"""

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from errors import UserError, remedy
from profiles.store.records import Cell, Code, DeepProfile, Probe, Profile, Proof, Run, Sample

RUN_FILE = "run.json"
CELLS_FILE = "rounds.jsonl"
PROFILES_FILE = "profile.jsonl"
DEEP_FILE = "deep.jsonl"
SAMPLES_FILE = "samples.jsonl"
PROOFS_FILE = "proof.jsonl"
PROBES_FILE = "probe.jsonl"
CODE_FILE = "code.jsonl"
PACED_FOLDER = "paced"

T = TypeVar("T", Cell, Profile, DeepProfile, Proof, Probe, Sample, Code)
_CELL_FIELDS = frozenset(item.name for item in fields(Cell))


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A run's folder on disk: writing while the run goes on, reading ever after.

    Raises UserError when the folder, or a record in it, cannot be written or read.
    """

    path: Path

    @property
    def paced(self) -> "RunFolder":
        """Of the same campaign at an offered rate, where both questions were asked."""
        return RunFolder(self.path / PACED_FOLDER)

    @property
    def name(self) -> str:
        """As the commands take it: RUN, or RUN/paced for the paced part of a run that asked both questions."""
        path = self.path.resolve()
        is_part = path.name == PACED_FOLDER and (path.parent / RUN_FILE).exists()
        return f"{path.parent.name}/{path.name}" if is_part else path.name

    def refuse_existing(self) -> None:
        """Raises UserError when the folder is there: a run is never mixed with another."""
        if self.path.exists():
            raise UserError(
                f"run {self.path.name!r} exists already in {self.path.parent}: choose another name with RUN=name, "
                f"or remove that folder"
            )

    def create(self) -> None:
        """Make the folder, which must not be there."""
        self.refuse_existing()
        with _explained("create the run's folder", self.path):
            self.path.mkdir(parents=True)

    def write_run(self, run: Run) -> None:
        """Write beside and rename, so that a reader never sees half of it."""
        self.write_file(RUN_FILE, msgspec.json.format(msgspec.json.encode(run), indent=2))

    def write_file(self, name: str, content: bytes) -> None:
        path, beside = self.path / name, self.path / f".{name}.part"
        with _explained("write", path, kept="; complete rounds are kept"):
            try:
                beside.write_bytes(content)
                beside.rename(path)
            finally:
                beside.unlink(missing_ok=True)

    def append_cell(self, cell: Cell) -> None:
        self._append(CELLS_FILE, [_flat(cell)])

    def append_profile(self, profile: Profile) -> None:
        self._append(PROFILES_FILE, [msgspec.to_builtins(profile) | {"cell": _flat(profile.cell)}])

    def append_deep(self, profile: DeepProfile) -> None:
        cell = None if profile.cell is None else _flat(profile.cell)
        self._append(DEEP_FILE, [msgspec.to_builtins(profile) | {"cell": cell}])

    def append_probe(self, probe: Probe) -> None:
        self._append(PROBES_FILE, [msgspec.to_builtins(probe) | {"cell": _flat(probe.cell)}])

    def append_proof(self, proof: Proof) -> None:
        self._append(PROOFS_FILE, [proof])

    def append_code(self, code: Iterable[Code]) -> None:
        self._append(CODE_FILE, code)

    def append_samples(self, samples: Iterable[Sample]) -> None:
        self._append(SAMPLES_FILE, samples)

    def _append(self, name: str, rows: Iterable[Any]) -> None:
        """Append whole lines with one write: a kill loses at most the line in progress."""
        path = self.path / name
        lines = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
        with _explained("write", path, kept="; complete rounds are kept"):
            fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                size_before = os.fstat(fd).st_size
                if os.write(fd, lines) < len(lines):  # a full disk takes a part: take the half line back
                    os.ftruncate(fd, size_before)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            finally:
                os.close(fd)

    def read_run(self) -> Run:
        path = self.path / RUN_FILE
        with _readable(path, "is this the folder of a run? `ls profiles/out` lists them"):
            return _converted(path, 1, msgspec.json.decode(path.read_bytes()), Run)

    def read_cells(self) -> tuple[Cell, ...]:
        return tuple(self._read(CELLS_FILE, Cell))

    def read_profiles(self) -> tuple[Profile, ...]:
        return tuple(self._read(PROFILES_FILE, Profile))

    def read_deep(self) -> tuple[DeepProfile, ...]:
        return tuple(self._read(DEEP_FILE, DeepProfile))

    def read_probes(self) -> tuple[Probe, ...]:
        return tuple(self._read(PROBES_FILE, Probe))

    def read_proofs(self) -> tuple[Proof, ...]:
        return tuple(self._read(PROOFS_FILE, Proof))

    def read_code(self) -> tuple[Code, ...]:
        return tuple(self._read(CODE_FILE, Code))

    def read_samples(self) -> tuple[Sample, ...]:
        return tuple(self._read(SAMPLES_FILE, Sample))

    def _read(self, name: str, kind: type[T]) -> Iterator[T]:
        """The records of a file, none where it was never begun; a last line cut by a kill is left out."""
        path = self.path / name
        if not path.exists():
            return
        with _readable(path, "restore the file, or remove the broken line"):
            lines = path.read_bytes().split(b"\n")
            for number, line in enumerate(lines[:-1], 1):
                row = msgspec.json.decode(line)
                yield _converted(path, number, _nested(row, kind), kind)


@contextlib.contextmanager
def _explained(deed: str, path: Path, kept: str = "") -> Iterator[None]:
    """Errors of writing, mapped at the edge. kept: what is not lost, as the end of a sentence."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot {deed} {path}: {error.strerror}; {remedy(error)}{kept}") from error


@contextlib.contextmanager
def _readable(path: Path, advice: str) -> Iterator[None]:
    """Errors of the file system and of the format, mapped at the edge."""
    try:
        yield
    except PermissionError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; change its permissions") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; {advice}") from error
    except msgspec.DecodeError as error:
        raise UserError(f"cannot read {path}: {error}; {advice}") from error


def _flat(cell: Cell) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(cell)
    metrics: dict[str, Any] = row.pop("metrics")
    return row | metrics


def _nested(row: Any, kind: type[T]) -> Any:
    holds_cell = kind in (Profile, DeepProfile, Probe)
    if not isinstance(row, dict) or (holds_cell and not isinstance(row.get("cell"), dict)):
        return row  # the conversion says what is wrong with it
    if holds_cell:
        return row | {"cell": _nested(row["cell"], Cell)}
    if kind is not Cell:
        return row
    own = {name: value for name, value in row.items() if name in _CELL_FIELDS}
    return own | {"metrics": {name: value for name, value in row.items() if name not in _CELL_FIELDS}}


K = TypeVar("K")


def _converted(path: Path, line: int, row: Any, kind: type[K]) -> K:
    try:
        return msgspec.convert(row, kind)
    except msgspec.ValidationError as error:
        raise UserError(f"{path}, line {line}, is not a {kind.__name__} of this project: {error}") from error


def write_file(path: Path, content: bytes) -> Path:
    """Write it, with the folders above it; returns the path. Raises UserError where that is impossible."""
    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.rename(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}: {error.strerror}; {remedy(error)}") from error
    return path
