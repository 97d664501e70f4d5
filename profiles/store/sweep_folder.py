"""A sweep's folder on disk: one question asked at several points of an axis.

Its rule: a point is a run. Its folder is a run's folder (profiles/store/run_folder.py), so that whatever reads, judges
and draws a run serves a point too; what is true for the whole sweep stands once, in sweep.json.

    profiles/out/SWEEP/
      sweep.json              Sweep: what was asked for, and the sessions in which it was measured
      points/VALUE/           the run at this point: 4096 for a file of 4 KiB
        run.json, rounds.jsonl, proof.jsonl
"""

from dataclasses import dataclass, replace
from typing import Literal

from errors import UserError
from profiles.store.files import decode_json, read_plain, readable
from profiles.store.proof import Proof
from profiles.store.records import State
from profiles.store.run_facts import Amount, Count, Fact, Integer
from profiles.store.run_folder import Folder, RunFolder, converted

SWEEP_FILE = "sweep.json"
POINTS_FOLDER = "points"
_ADVICE = "is this the folder of a sweep? Restore the file, or sweep again"

AxisName = Literal["size", "chunk", "connections", "buffer-offset"]


@dataclass(frozen=True, slots=True)
class Session:
    """One `make sweep`; a sweep may be continued in another."""

    started_at: str  # ISO 8601
    minutes: Amount  # how much time it was given
    ended_at: str | None = None  # ISO 8601; None while it goes on
    reason: str | None = None  # why it ended


@dataclass(frozen=True, slots=True)
class Sweep:
    """What was asked for, and how far it came."""

    name: str  # of its folder
    axis: AxisName  # what differs from point to point
    state: State  # as of a run
    command: str  # what was typed to start it
    seed: Integer  # of the random order
    modes: tuple[str, ...]  # baseline first
    points: tuple[Count, ...]  # values of the axis, ascending: bytes, or connections
    fine: tuple[Count, ...]  # further values, measured only where they tell something
    file_bytes: Count  # size of the served file, unless that is the axis
    users: Count  # concurrent downloads, unless that is the axis
    sink: Literal["discard", "copy"]  # what the client does with the bytes
    warm_up_s: Amount  # seconds of load before each window
    window_s: Amount  # seconds measured of each cell
    pin: bool  # whether servers and load were pinned to CPUs of their own
    most_rounds: Count  # per point
    options: dict[str, dict[str, Count]]  # of the modes by name, in bytes
    left_out: dict[str, str]  # values that could not be measured here, each with the reason
    proofs: tuple[Proof, ...]  # what each mode really does
    host: dict[str, Fact]  # facts of the machine that a later session must find unchanged
    sittings: tuple[Session, ...]  # the sessions in which it was measured, in order
    schema: int = 1  # version of this record

    @property
    def values(self) -> tuple[int, ...]:
        """All points that there may be, ascending."""
        return tuple(sorted({*self.points, *self.fine}))


class SweepFolder(Folder):
    """Writes and reads a sweep's folder. Raises UserError where that is impossible."""

    __slots__ = ()

    @property
    def exists(self) -> bool:
        try:
            return (self.path / SWEEP_FILE).is_file()
        except OSError as error:
            raise UserError(
                f"cannot look for runs in {self.path.parent}: {error.strerror}; check their name and permissions"
            ) from error

    def write(self, sweep: Sweep) -> None:
        self.write_state(SWEEP_FILE, sweep)

    def read(self) -> Sweep:
        path = self.path / SWEEP_FILE
        with readable(path, _ADVICE):
            row = decode_json(path, read_plain(path), _ADVICE)
        sweep = converted(path, row, Sweep)
        return replace(sweep, state="interrupted") if self.died(sweep.state) else sweep

    def point(self, value: int) -> RunFolder:
        """The folder of the run at this point, which may not exist yet."""
        return RunFolder(self.path / POINTS_FOLDER / str(value))
