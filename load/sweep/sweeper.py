"""Carries a sweep out inside Locust: round after round, each at the point that tells most.

Its rule: a round at a point is every variant once, in balanced seeded order, each in a cell like a campaign's; what is
complete is written at once, so that a sweep can end at any moment and go on at any other.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from locust.env import Environment

from errors import UserError
from load.agent.local import LocalAgent
from load.campaign import schedule
from load.campaign.cell_runner import CellRunner
from load.campaign.settings import Settings, now, run_record
from load.sweep.axes import AXES, Variant, file_bytes, users, variants
from load.sweep.files import Served
from load.sweep.next_point import PointState, next_point
from load.users.locust_users import DownloadUser
from profiles.protocol import Facts
from profiles.store import aa_floors
from profiles.store.records import Cell, Run
from profiles.store.run_folder import RunFolder
from profiles.store.sweep_folder import Sweep, SweepFolder
from reports.analysis.aa_floor import conditions
from reports.analysis.paired_ratio import family_confidence, paired_ratio
from reports.analysis.rounds import PRIMARY, build

ENDS_S = 1.2  # a cell's start, probe and stop, before one has been seen


class _Stage(CellRunner):
    """A sweep keeps no samples over time: it has hundreds of short cells, and asks for what they cost."""

    def _write_samples(self) -> None:
        pass


class SweepRun:
    """One sitting. progress is told what comes next."""

    def __init__(
        self,
        environment: Environment,
        user_classes: dict[str, type[DownloadUser]],
        agent: LocalAgent,
        served: Served,
        folder: SweepFolder,
        settings: Settings,
        progress: Callable[[str], None],
    ) -> None:
        self._environment = environment
        self._user_classes = user_classes
        self._agent = agent
        self._served = served
        self._folder = folder
        self._sweep = folder.read()
        self._settings = settings
        self._progress = progress
        self._facts: Facts | None = None
        self.rounds = 0

    def run(self, minutes: float) -> str:
        """Rounds until the time is up, or nothing is left to be learnt; which of both. Raises UserError."""
        deadline_s = time.monotonic() + 60 * minutes
        expected_s = len(variants(self._sweep, self._sweep.points[0])) * (self._settings.cell_s + ENDS_S)
        states = {value: self._state(value) for value in self._sweep.values}
        while time.monotonic() + expected_s <= deadline_s or self.rounds == 0:
            value = next_point(tuple(states.values()), self._sweep.seed, self._sweep.most_rounds)
            if value is None:
                return "nothing is left to be learnt within these limits"
            began_s = time.monotonic()
            self._round(value)
            self.rounds += 1
            expected_s = (expected_s + time.monotonic() - began_s) / 2
            states[value] = self._state(value)
        return f"the time was up: {minutes:g} min"

    def _state(self, value: int) -> PointState:
        coarse, folder = value in self._sweep.points, self._folder.point(value)
        if not folder.path.exists():
            return PointState(value, coarse)
        run, cells = folder.read_run(), folder.read_cells()
        records = build(run, cells)
        void = {cell.mode for cell in cells if cell.failures}
        void |= {proof.mode for proof in folder.read_proofs() if proof.contradiction}
        level = family_confidence(len(records.others))
        others = [mode for mode in records.others if not void & {mode, run.baseline}]
        paired = tuple(paired_ratio(pairs, level) for mode in others if (pairs := records.pairs(mode, PRIMARY)))
        return PointState(value, coarse, len(records.all_rounds), paired)

    def _round(self, value: int) -> None:
        facts = self._serve(file_bytes(self._sweep, value))
        compared = {variant.label: variant for variant in variants(self._sweep, value)}
        settings = replace(self._settings, users=users(self._sweep, value))
        folder = self._folder.point(value)
        run = folder.read_run() if folder.path.exists() else self._begin(folder, value, settings, facts, compared)
        number = len(run.order) + 1
        order = schedule.order(tuple(compared), number, self._sweep.seed + value)[-1]
        run = replace(run, order=(*run.order, order), rounds_planned=number, state="running")
        folder.write_run(run)
        self._progress(f"{self._say(value)}, round {number}")
        began = datetime.fromisoformat(run.started_at)
        for position, label in enumerate(order, 1):
            cell, congestion = self._cell((number, position), compared[label], settings, facts, folder)
            ended = datetime.fromisoformat(now())
            folder.append_cell(replace(cell, mode=label, started_s=(ended - began).total_seconds() - cell.wall_s))
        state = self._agent.file_state()
        file = replace(run.file, resident_share_after=state.resident_share, changed=state.changed)
        host = run.host | {"congestion_control": congestion}
        folder.write_run(replace(run, file=file, host=host, state="done", ended_at=now()))

    def _cell(
        self, place: tuple[int, int], variant: Variant, settings: Settings, facts: Facts, folder: RunFolder
    ) -> tuple[Cell, str]:
        """The cell, and the congestion control that its server used."""
        settings = replace(settings, options={variant.mode: dict(variant.options)})
        stage = _Stage(self._environment, self._user_classes, self._agent, folder, settings, facts)
        return stage.score(place, variant.mode, settings.users), stage.congestion[variant.mode]

    def _serve(self, size_bytes: int) -> Facts:
        """Facts with the file of this size, which is served from now on, checked and in the page cache."""
        if self._facts is None or self._facts.file.size_bytes != size_bytes:
            self._served.put(size_bytes)
            self._facts = self._agent.facts()
        return self._facts

    def _begin(
        self, folder: RunFolder, value: int, settings: Settings, facts: Facts, compared: Mapping[str, Variant]
    ) -> Run:
        """The folder and the record of a point that is measured for the first time."""
        record = run_record(settings, f"{self._sweep.name} at {self._say(value)}", (), {}, facts)
        by_mode = {target.name: target for target in record.targets}
        targets = tuple(
            replace(by_mode[one.mode], name=label, options=by_mode[one.mode].options | dict(one.options))
            for label, one in compared.items()
        )
        record = replace(record, targets=targets, baseline=next(iter(compared)))
        record = replace(record, floor=aa_floors.load_floor(self._folder.path.parent, conditions(record)))
        folder.create()
        folder.write_run(record)
        proofs = {proof.mode: proof for proof in self._sweep.proofs}
        for label, one in compared.items():
            folder.append_proof(replace(proofs[one.mode], mode=label))
        return record

    def _say(self, value: int) -> str:
        return AXES[self._sweep.axis].say(value)


def check_same_machine(sweep: Sweep, host: Mapping[str, object]) -> None:
    """Raises UserError where a sweep that was begun elsewhere would go on here: its points would not be comparable."""
    for name, before in sweep.host.items():
        if host.get(name) != before:
            raise UserError(
                f"sweep {sweep.name!r} was begun with {name} {before!r}, and here it is {host.get(name)!r}: points of "
                f"different machines are not one curve; begin another with RUN=name"
            )
