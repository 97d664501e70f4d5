"""A sweep's folder on disk: one question asked at several points of an axis.

Its rule: a point is a run. Its folder is a run's folder (profiles/store/run_folder.py), written round by round, so that all
that reads, judges and draws a run serves a point too; what is true for the whole sweep stands once, in sweep.json.

    profiles/out/SWEEP/
      sweep.json              Sweep: what was asked for, and the sittings in which it was measured
      points/VALUE/           the run at this point: 4096 for a file of 4 KiB
        run.json, rounds.jsonl, proof.jsonl
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from errors import UserError
from profiles.store.records import Proof, State
from profiles.store.run_folder import RunFolder

SWEEP_FILE = "sweep.json"
POINTS_FOLDER = "points"

AxisName = Literal["size", "chunk", "connections", "buffer-offset"]


@dataclass(frozen=True, slots=True)
class Session:
    """One `make sweep`: from when to when (ISO 8601), with how much time, and why it ended; None while it goes on."""

    started_at: str
    minutes: float
    ended_at: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Sweep:
    """What was asked for, and how far it came.

    points: the values of the axis, ascending: bytes, or connections. fine: more of them, which are measured only where
    they tell something. left_out: values that could not be measured here, each with the reason. modes: baseline first.
    file_bytes: of the served file, where its size is not the axis; users: likewise. options: of the modes, in bytes.
    host: what a later sitting must find unchanged.
    """

    name: str
    axis: AxisName
    state: State
    command: str
    seed: int
    modes: tuple[str, ...]
    points: tuple[int, ...]
    fine: tuple[int, ...]
    file_bytes: int
    users: int
    sink: Literal["discard", "copy"]
    warm_up_s: float
    window_s: float
    pin: bool
    most_rounds: int
    options: dict[str, dict[str, int]]
    left_out: dict[str, str]
    proofs: tuple[Proof, ...]
    host: dict[str, str | int | float | None]
    sittings: tuple[Session, ...]
    schema: int = 1

    @property
    def values(self) -> tuple[int, ...]:
        """All points that there may be, ascending."""
        return tuple(sorted({*self.points, *self.fine}))


@dataclass(frozen=True, slots=True)
class SweepFolder:
    """Writing and reading it. Raises UserError where that is impossible."""

    path: Path

    @property
    def exists(self) -> bool:
        try:
            return (self.path / SWEEP_FILE).is_file()
        except OSError as error:
            raise UserError(
                f"cannot look for runs in {self.path.parent}: {error.strerror}; check their name and permissions"
            ) from error

    def refuse_existing(self) -> None:
        self._whole.refuse_existing()

    def create(self) -> None:
        self._whole.create()

    def write(self, sweep: Sweep) -> None:
        self._whole.write_file(SWEEP_FILE, msgspec.json.format(msgspec.json.encode(sweep), indent=2))

    def read(self) -> Sweep:
        path = self.path / SWEEP_FILE
        try:
            return msgspec.json.decode(path.read_bytes(), type=Sweep)
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}; is this the folder of a sweep?") from error
        except msgspec.DecodeError as error:
            raise UserError(f"{path} is not a sweep of this project: {error}; restore it, or sweep again") from error

    def point(self, value: int) -> RunFolder:
        """The folder of the run at this point, which may not be there yet."""
        return RunFolder(self.path / POINTS_FOLDER / str(value))

    @property
    def _whole(self) -> RunFolder:
        return RunFolder(self.path)
