"""Everything that is stored of a run, and the only code that writes and reads it.

Its rule: a run's folder explains itself. Names, units and facts travel in `run.json`, so that a report can be
made from the folder alone, years later, after a mode or a metric was deleted here.

    profiles/out/RUN/
      run.json        Run: what was asked for, of which targets, on which machine (method.md §8)
      rounds.jsonl    Cell per line: the score pass, written as soon as the cell is complete
      profile.jsonl   Profile per line: the profile pass, one line per mode (never scored, method.md §1)
      proof.jsonl     Proof per line: the prove pass, what each mode really does (never timed)
      samples.jsonl   Sample per line: counters over time
      MODE.svg, MODE.raw   py-spy's flame graph and its folded stacks
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from errors import UserError
from servers.mode import Copy

SCHEMA = 1

RUN_FILE = "run.json"
CELLS_FILE = "rounds.jsonl"
PROFILES_FILE = "profile.jsonl"
SAMPLES_FILE = "samples.jsonl"
PROOFS_FILE = "proof.jsonl"

COPIES_TOLERANCE = 0.1

State = Literal["running", "done", "interrupted", "failed"]
Kind = Literal["counter", "gauge", "derived"]


@dataclass(frozen=True, slots=True)
class MetricFacts:
    """How to read a number that is stored under `name`.

    kind: a counter's value in a cell is what the window added; a gauge's is its value at the window's end;
    a derived one is computed from others. per_gib: whether dividing by GiB received makes sense.
    """

    name: str
    unit: str
    kind: Kind
    summary: str
    per_gib: bool = False


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What was measured: one of our modes (or, later, any server). options: what changed its path, in bytes."""

    name: str
    port: int
    summary: str
    copies: tuple[Copy, ...] = ()
    options: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The file that was served. resident_share: of its pages in the page cache, before the first cell and after the
    last one; None where it cannot be known. changed: during the run; None when it did not come to its end."""

    path: str
    size_bytes: int
    sha256: str
    filesystem: str
    resident_share_before: float | None = None
    resident_share_after: float | None = None
    changed: bool | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One campaign as it was asked for, and how far it came.

    order lists, round by round, the modes in the order they ran. question: "saturated", as fast as it goes
    (method.md §2). skipped: modes that this machine lacks, each with the reason. host and software: fact name to
    value, in the order to be shown; None is "unknown".
    """

    name: str
    state: State
    started_at: str
    command: str
    question: Literal["saturated"]
    seed: int
    order: tuple[tuple[str, ...], ...]
    baseline: str
    users: int
    sink: Literal["discard", "copy"]
    warm_up_s: float
    window_s: float
    sample_interval_s: float
    file: FileFacts
    targets: tuple[TargetFacts, ...]
    metrics: tuple[MetricFacts, ...]
    host: dict[str, str | int | float | None]
    software: dict[str, str | int | float | None]
    skipped: dict[str, str] = field(default_factory=dict)
    ended_at: str | None = None
    reason: str | None = None
    schema: int = SCHEMA

    @property
    def modes(self) -> tuple[str, ...]:
        """The names of the targets, baseline first."""
        others = tuple(target.name for target in self.targets if target.name != self.baseline)
        return (self.baseline, *others)


@dataclass(frozen=True, slots=True)
class Cell:
    """One mode in one round: its measured window (method.md §2).

    round and position count from 1. started_s: since the run began. downloads: completed inside the window;
    received_bytes: counted as they arrived, downloads in flight included. failure_names: each to how often.
    latency_histogram: HDR, encoded, microseconds per completed download. metrics: by name (see Run.metrics); None is
    "unknown". On disk the metrics stand beside the other fields.
    """

    round: int
    position: int
    mode: str
    started_s: float
    wall_s: float
    received_bytes: int
    downloads: int
    failures: int
    failure_names: dict[str, int]
    latency_histogram: str
    metrics: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Profile:
    """One mode in the profile pass: its cell, and the flame graph or the reason why there is none.

    svg and raw are file names inside the run's folder.
    """

    cell: Cell
    svg: str | None
    raw: str | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What a mode really did, in the prove pass (profiles/proof.py). None is "unknown".

    model_copies: CPU copies per byte that the mode's model draws. read_copies: measured, per byte, on the read side.
    by_reference_share: of bytes that went to the socket by reference, by the mutation witness. completions: what the
    kernel said of MSG_ZEROCOPY sends, and how many of them it copied after all. calls_per_gib: system calls by name.
    """

    mode: str
    state: Literal["available", "degraded", "missing"]
    model_copies: int
    read_copies: float | None = None
    by_reference_share: float | None = None
    completions: int | None = None
    copied_completions: int | None = None
    calls_per_gib: dict[str, float] | None = None
    calls_reason: str | None = None
    reason: str | None = None

    @property
    def measured_copies(self) -> float | None:
        """CPU copies per byte: those of reading, and 0 to 1 for transmitting."""
        if self.read_copies is None or self.by_reference_share is None:
            return None
        copied = self.copied_completions / self.completions if self.completions and self.copied_completions else 0.0
        return self.read_copies + max(1 - self.by_reference_share, copied)

    @property
    def contradiction(self) -> str | None:
        """Why the mode did not do what it is named after; None when it did, or when nobody knows."""
        measured = self.measured_copies
        if measured is None or abs(measured - self.model_copies) < COPIES_TOLERANCE:
            return None
        if self.completions and self.copied_completions:
            return f"the kernel copied {self.copied_completions:,} of {self.completions:,} sends after all"
        return f"{measured:.2f} CPU copies per byte were measured, its model has {self.model_copies}"


@dataclass(frozen=True, slots=True)
class Sample:
    """Counters of one process at one moment, as they stood (cumulative); t_s since the run began.

    process: a target's name, "load" for the load generator, "machine" for the whole machine (user_s, system_s,
    idle_s, steal_s summed over cores) or "sampler" for the sampler's own cost (cpu_s).
    """

    t_s: float
    process: str
    pid: int
    values: dict[str, float | None]


T = TypeVar("T", Cell, Profile, Proof, Sample)
_CELL_FIELDS = frozenset(item.name for item in fields(Cell))


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A run's folder on disk: writing while the run goes on, reading ever after.

    Raises UserError when the folder, or a record in it, cannot be written or read.
    """

    path: Path

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
        with _explained("create the run's folder", self.path, "free some space there, or choose another with RUN=name"):
            self.path.mkdir(parents=True)

    def write_run(self, run: Run) -> None:
        """Write beside and rename, so that a reader never sees half of it."""
        self.write_file(RUN_FILE, msgspec.json.format(msgspec.json.encode(run), indent=2))

    def write_file(self, name: str, content: bytes) -> None:
        path, beside = self.path / name, self.path / f".{name}.part"
        with _explained("write", path, "free some space and run again; complete rounds are kept"):
            try:
                beside.write_bytes(content)
                beside.rename(path)
            finally:
                beside.unlink(missing_ok=True)

    def append_cell(self, cell: Cell) -> None:
        self._append(CELLS_FILE, [_flat(cell)])

    def append_profile(self, profile: Profile) -> None:
        self._append(PROFILES_FILE, [msgspec.to_builtins(profile) | {"cell": _flat(profile.cell)}])

    def append_proof(self, proof: Proof) -> None:
        self._append(PROOFS_FILE, [proof])

    def append_samples(self, samples: Iterable[Sample]) -> None:
        self._append(SAMPLES_FILE, samples)

    def _append(self, name: str, rows: Iterable[Any]) -> None:
        """Append whole lines with one write: a kill loses at most the line in progress."""
        path = self.path / name
        lines = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
        with _explained("write", path, "free some space and run again; complete rounds are kept"):
            fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                size_before = os.fstat(fd).st_size
                if os.write(fd, lines) < len(lines):  # a full disk takes a part: take the half line back
                    os.ftruncate(fd, size_before)
                    raise OSError(28, "No space left on device")
            finally:
                os.close(fd)

    def read_run(self) -> Run:
        path = self.path / RUN_FILE
        with _explained("read", path, "is this the folder of a run? `ls profiles/out` lists them"):
            return _converted(path, 1, msgspec.json.decode(path.read_bytes()), Run)

    def read_cells(self) -> tuple[Cell, ...]:
        return tuple(self._read(CELLS_FILE, Cell))

    def read_profiles(self) -> tuple[Profile, ...]:
        return tuple(self._read(PROFILES_FILE, Profile))

    def read_proofs(self) -> tuple[Proof, ...]:
        return tuple(self._read(PROOFS_FILE, Proof))

    def read_samples(self) -> tuple[Sample, ...]:
        return tuple(self._read(SAMPLES_FILE, Sample))

    def _read(self, name: str, kind: type[T]) -> Iterator[T]:
        """The records of a file, none where it was never begun; a last line cut by a kill is left out."""
        path = self.path / name
        if not path.exists():
            return
        with _explained("read", path, "restore the file, or remove the broken line"):
            lines = path.read_bytes().split(b"\n")
            for number, line in enumerate(lines[:-1], 1):
                row = msgspec.json.decode(line)
                yield _converted(path, number, _nested(row, kind), kind)


@contextlib.contextmanager
def _explained(deed: str, path: Path, advice: str) -> Iterator[None]:
    """Errors of the file system and of the format, mapped at the edge."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot {deed} {path}: {error.strerror}; {advice}") from error
    except msgspec.DecodeError as error:
        raise UserError(f"cannot {deed} {path}: {error}; {advice}") from error


def _flat(cell: Cell) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(cell)
    metrics: dict[str, Any] = row.pop("metrics")
    return row | metrics


def _nested(row: Any, kind: type[T]) -> Any:
    if not isinstance(row, dict) or (kind is Profile and not isinstance(row.get("cell"), dict)):
        return row  # the conversion says what is wrong with it
    if kind is Profile:
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
