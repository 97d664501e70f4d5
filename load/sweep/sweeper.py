"""A sweep inside Locust: round after round, each at the point that tells most.

Its rule: a round at a point measures every variant, in slices like a campaign's. Whatever is complete is written at
once, so that a sweep can end at any moment and continue later.
"""

import time
from dataclasses import replace
from datetime import datetime

from errors import UserError
from load.campaign import schedule
from load.campaign.progress import Progress, Report
from load.campaign.round_runner import RoundRunner
from load.campaign.serving import Serving
from load.campaign.settings import Settings, after, now, run_record
from load.context import LoadContext
from load.served_files import ServedLink
from load.sweep.axes import AXES, file_bytes, variants
from load.sweep.forecast import round_s
from load.sweep.next_point import PointState, next_point
from profiles.protocol import Facts
from profiles.store import aa_floors
from profiles.store.proof import Proof
from profiles.store.records import Run
from profiles.store.run_folder import RunFolder
from profiles.store.sweep_folder import SweepFolder
from reports.analysis.aa_floor import conditions
from reports.analysis.paired_ratio import family_confidence, paired_ratio
from reports.analysis.rounds import PRIMARY, build


class SweepRun:
    """One session of a sweep."""

    def __init__(
        self, context: LoadContext, settings: Settings, folder: SweepFolder, files: ServedLink, report: Report
    ) -> None:
        self._context = context
        self._settings = settings
        self._folder = folder
        self._files = files
        self._report = report
        self._sweep = folder.read()
        self._facts: Facts | None = None
        self._began_s = self._ends_s = time.monotonic()

    def run(self, minutes: float) -> str:
        """Rounds until the time is up or nothing is left to learn; which of the two. Raises UserError."""
        self._began_s = now_s = time.monotonic()
        self._ends_s = now_s + 60 * minutes
        expected_s = round_s(self._sweep, len(variants(self._sweep, self._sweep.points[0])))
        states = {value: self._state(value) for value in self._sweep.values}
        while now_s == self._began_s or now_s + expected_s <= self._ends_s:
            value = next_point(tuple(states.values()), self._sweep.seed, self._sweep.most_rounds)
            if value is None:
                return "Nothing is left to learn within these limits"
            self._round(value)
            before_s, now_s = now_s, time.monotonic()
            expected_s = (expected_s + now_s - before_s) / 2
            states[value] = self._state(value)
        return f"The time is up: {minutes:g} min"

    def _state(self, value: int) -> PointState:
        coarse, folder = value in self._sweep.points, self._folder.point(value)
        if not folder.path.exists():
            return PointState(value, coarse)
        run, cells = folder.read_run(), folder.read_cells()
        records = build(run, cells)
        void = {cell.mode for cell in cells if cell.failures}
        void |= {proof.mode for proof in folder.read(Proof) if proof.contradiction}
        level = family_confidence(len(records.others))
        others = [mode for mode in records.others if not void & {mode, run.baseline}]
        paired = tuple(paired_ratio(pairs, level) for mode in others if (pairs := records.pairs(mode, PRIMARY)))
        return PointState(value, coarse, len(records.all_rounds), paired)

    def _round(self, value: int) -> None:
        facts = self._serve(file_bytes(self._sweep, value))
        compared = variants(self._sweep, value)
        users = value if self._sweep.axis == "connections" else self._sweep.users
        settings = replace(self._settings, users=users, modes=tuple(compared), variants=compared)
        folder = self._folder.point(value)
        run = folder.read_run() if folder.path.exists() else self._begin(folder, value, settings, facts)
        number = len(run.order) + 1
        order = schedule.order(tuple(compared), number, self._sweep.seed + value)[-1]
        run = replace(run, order=(*run.order, order), rounds_planned=number, state="running")
        folder.write_run(run)
        self._tell(f"{self._label(value)}, round {number}")
        offset_s = (datetime.fromisoformat(now()) - datetime.fromisoformat(run.started_at)).total_seconds()
        # A sweep has hundreds of short rounds, and asks only what they cost.
        serving = Serving(self._context, settings, folder, facts, keep_samples=False)
        result = RoundRunner(serving, settings, facts).run(number, order)
        run = replace(run, sweeps=result.sweeps, voids=(*run.voids, *result.voids))
        folder.append(*(replace(cell, started_s=offset_s + cell.started_s) for cell in result.cells))
        file = after(run.file, self._context.agent.file_state())
        host = run.host | {"congestion_control": serving.congestion[order[-1]]}
        folder.write_run(replace(run, file=file, host=host, state="done", ended_at=now()))
        for void in result.voids:  # the point would be asked for again and again
            raise UserError(f"{self._label(value)}: {void.mode}: {void.reason}")

    def _serve(self, size_bytes: int) -> Facts:
        """Serve the file of this size from now on; the agent's facts with it."""
        if self._facts is None or self._facts.file.size_bytes != size_bytes:
            self._files.serve(size_bytes)
            self._facts = self._context.agent.facts()
        return self._facts

    def _begin(self, folder: RunFolder, value: int, settings: Settings, facts: Facts) -> Run:
        record = run_record(settings, f"{self._sweep.name} at {self._label(value)}", {}, facts)
        record = replace(record, floor=aa_floors.load_floor(self._folder.path.parent, conditions(record)))
        folder.create()
        folder.write_run(record)
        proofs = {proof.mode: proof for proof in self._sweep.proofs}
        for name in settings.modes:
            folder.append(replace(proofs[settings.mode_of(name)], mode=name))
        return record

    def _tell(self, step: str) -> None:
        now_s = time.monotonic()
        done_share = (now_s - self._began_s) / max(self._ends_s - self._began_s, 1e-3)
        self._report(Progress(step, min(1.0, done_share), max(0.0, self._ends_s - now_s)))

    def _label(self, value: int) -> str:
        return AXES[self._sweep.axis].format(value)
