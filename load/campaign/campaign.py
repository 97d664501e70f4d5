"""One run of a campaign: proofs, a pilot, rounds, probes and flame graphs, all written to the run's folder.

Its rule: three passes that are never mixed (docs/method.md §1), and whatever is complete is written at once.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from errors import UserError
from load.campaign import schedule
from load.campaign.cell_runner import CellRunner
from load.campaign.readiness import check_measurable
from load.campaign.schedule import Schedule, perf_unavailable
from load.campaign.settings import Settings, now, run_record
from load.context import LoadContext
from load.errors import PeerLostError
from load.users.pacing import check_starts, resolve
from profiles.protocol import Facts
from profiles.store import aa_floors
from profiles.store.proof import Proof
from profiles.store.records import Cell, DeepProfile, Probe, Run, State
from profiles.store.run_folder import RunFolder
from reports.analysis.aa_floor import conditions, floor_of_run
from reports.analysis.bottleneck import mostly_client_limited, rate
from reports.analysis.rounds import build
from units import exact_size

Report = Callable[[float, str], None]  # takes the seconds of the plan that are done, and what comes next
T = TypeVar("T")


class Campaign:
    """saturated: the folder of the run that asks the other question (docs/method.md §2), whose proofs and pilot
    hold for this one, too."""

    def __init__(
        self,
        context: LoadContext,
        settings: Settings,
        folder: RunFolder,
        report: Report,
        saturated: RunFolder | None = None,
    ) -> None:
        self._context = context
        self._agent = context.agent
        self._settings = settings
        self._folder = folder
        self._report = report
        self._saturated = saturated
        self._floors = (saturated or folder).path.parent

    def run(self) -> list[Cell]:
        """Every pass; the cells of all of them.

        Raises UserError when the run cannot go on: complete rounds are kept, and the record holds the reason.
        """
        facts = self._agent.facts()
        check_measurable(self._agent, self._settings, facts)
        schedule = Schedule(self._create_run(facts), self._settings.retries)
        runner = CellRunner(self._context, self._settings, self._folder, facts)
        end: tuple[State, str | None] = ("interrupted", "interrupted before all rounds were complete")
        unscored: list[Cell] = []
        try:
            unscored += self._pilot(schedule, runner)
            self._score(schedule, runner)
            unscored += self._probe(schedule, runner)
            unscored += self._profile(schedule.run, runner)
            state = self._agent.file_state()
            file = replace(schedule.run.file, resident_share_after=state.resident_share, changed=state.changed)
            schedule.run = replace(schedule.run, file=file)
            end = ("done", None)
        except UserError as error:
            end = ("failed", str(error))
            raise
        finally:
            self._close(schedule, runner, *end)
        floor = floor_of_run(build(schedule.run, tuple(schedule.cells)))
        if floor is not None and floor.holds_one:  # for later runs under the same conditions
            aa_floors.save_floor(self._floors, conditions(schedule.run), floor)
        return [*schedule.cells, *unscored]

    def _close(self, schedule: Schedule, runner: CellRunner, state: State, reason: str | None) -> None:
        runner.clear()
        for mode, line in runner.last_stderr_lines.items():
            self._report(0, f"{mode}: {line}")
        congestion = " and ".join(sorted(set(runner.congestion.values()) - {""})) or None
        schedule.run = replace(
            schedule.run,
            host=schedule.run.host | {"congestion_control": congestion},
            congestion=dict(runner.congestion),
            state=state,
            reason=reason,
            ended_at=now(),
        )
        self._folder.write_run(schedule.run)

    def _create_run(self, facts: Facts) -> Run:
        """Prove the modes, then create the folder and write the first record."""
        self._folder.create()
        try:
            proofs = self._prove()
            skipped = {proof.mode: proof.reason or "" for proof in proofs if proof.state == "missing"}
            order = schedule.order(self._settings.measured_modes, self._settings.rounds, self._settings.seed)
            name = self._folder.path.name
            name = f"{self._saturated.path.name}/{name}" if self._saturated else name
            record = run_record(self._settings, name, order, skipped, facts)
            record = replace(record, floor=aa_floors.load_floor(self._floors, conditions(record)))
        except BaseException:
            self._folder.path.rmdir()  # it is still empty
            raise
        self._folder.write_run(record)
        for proof in proofs:
            self._folder.append(proof)
        self._folder.append(*(code for code in facts.code if code.mode is None))
        for mode in record.modes:
            of_mode = (code for code in facts.code if code.mode == self._settings.mode_of(mode))
            self._folder.append(*(replace(code, mode=mode) for code in of_mode))
        return record

    def _prove(self) -> list[Proof]:
        """Observe what each mode does, before any timing; drop modes that this machine lacks from the settings."""
        proofs = list(self._saturated.read(Proof)) if self._saturated else []
        for mode in () if self._saturated else self._settings.modes:
            self._report(0, f"proof: {mode}")
            proofs.append(self._agent.prove(self._settings.mode_of(mode), self._settings.options_of(mode), mode))
        missing = {proof.mode: proof.reason for proof in proofs if proof.state == "missing"}
        for mode, reason in missing.items():
            if self._settings.named or mode == self._settings.modes[0]:
                raise UserError(f"{mode} is missing on this machine: {reason}")
            self._report(0, f"skipped: {mode}: {reason}")
        present = tuple(mode for mode in self._settings.modes if mode not in missing)
        self._settings = replace(self._settings, modes=present)
        return proofs

    def _pilot(self, schedule: Schedule, runner: CellRunner) -> list[Cell]:
        """Find the rate that every mode can keep up with, in cells that are never scored.

        Where both questions are asked, the saturated campaign does it before its rounds, so that a rate that is too
        high is refused at once.
        """
        settings = self._settings
        if settings.pace.rate is None:
            return []
        cells = [] if self._saturated else self._saturate_once(schedule.run, runner)
        ceilings = {cell.mode: cell.received_bytes / cell.wall_s for cell in cells if not cell.failures}
        ceilings = self._saturated.read_run().pilot_bytes_per_s if self._saturated else ceilings
        schedule.run = replace(schedule.run, pilot_bytes_per_s=ceilings)
        rate = resolve(settings.pace.rate, ceilings)
        check_starts(rate, schedule.run.file.size_bytes, settings.window_s)
        if settings.rate is not None:
            self._set_rate(rate, schedule, runner)
        self._folder.write_run(schedule.run)
        return cells

    def _saturate_once(self, run: Run, runner: CellRunner) -> list[Cell]:
        cells = []
        for position, mode in enumerate(run.modes, 1):
            self._report(0, f"pilot: {mode}")
            cells.append(self._retry_once(partial(runner.score, (0, position), mode, self._settings.users), runner))
            self._report(self._settings.cell_s, mode)
        return cells

    def _set_rate(self, rate: int, schedule: Schedule, runner: CellRunner) -> None:
        settings = self._settings
        runner.rate_bytes_per_s = rate
        command = replace(settings, pace=replace(settings.pace, rate=rate)).repeating_command
        record = replace(schedule.run, rate_bytes_per_s=rate, command=command)
        schedule.run = replace(record, floor=aa_floors.load_floor(self._floors, conditions(record)))
        self._report(0, f"every mode is offered {exact_size(rate)}/s")

    def _score(self, schedule: Schedule, runner: CellRunner) -> None:
        settings = self._settings
        for number, modes in schedule.rounds():
            again = "".join(f" (repeats round {one.of})" for one in schedule.run.repeats if one.round == number)
            if again:
                self._folder.write_run(schedule.run)
            self._round((number, again), modes, schedule, runner)
        if schedule.run.stopped:
            spared = settings.rounds - len(schedule.run.order)
            self._report(max(0, spared) * settings.round_s, f"stopped early: {schedule.run.stopped}")

    def _round(self, label: tuple[int, str], modes: tuple[str, ...], schedule: Schedule, runner: CellRunner) -> None:
        """Every mode once; a void cell ends the round. label: its number, and which round it repeats."""
        number, again = label
        for position, mode in enumerate(modes, 1):
            self._report(0, f"round {number} of {len(schedule.run.order)}{again}: {mode}")
            try:
                cell = runner.score((number, position), mode, self._settings.users)
            except PeerLostError as lost:
                schedule.void(number, mode, str(lost))
                self._folder.write_run(schedule.run)
                return self._wait_for_recovery(lost, runner)
            schedule.cells.append(cell)
            self._folder.append(cell)
            self._report(self._settings.cell_s, mode)
        return None

    def _wait_for_recovery(self, lost: PeerLostError, runner: CellRunner) -> None:
        """Raises UserError when the lost agent or workers do not come back."""
        self._report(0, f"void cell: {lost}; waiting for it to come back")
        runner.recover()

    def _retry_once(self, measure: Callable[[], T], runner: CellRunner) -> T:
        """Measure again after a loss: outside the rounds nothing is paired."""
        try:
            return measure()
        except PeerLostError as lost:
            self._wait_for_recovery(lost, runner)
            return measure()

    def _probe(self, schedule: Schedule, runner: CellRunner) -> list[Cell]:
        """Measure with twice the users: was the server the limit? Modes that the client limited, else the fastest.

        Modes with failures are void and left out. Paced runs and cold cells, which have one user, need no probe.
        """
        if self._settings.rate is not None or self._settings.cache == "cold":
            return []
        records = build(schedule.run, tuple(schedule.cells))
        failed = {cell.mode for cell in schedule.cells if cell.failures}
        valid = {mode: records.cells_of(mode) for mode in records.modes if mode not in failed}
        limited = [mode for mode, scored in valid.items() if mostly_client_limited(scored, records.run)]
        fastest = sorted(valid, key=lambda mode: rate(valid[mode]) or 0.0)[-1:]
        cells = []
        users = 2 * self._settings.users
        for position, mode in enumerate(limited or fastest, 1):
            self._report(0, f"probe with {users} users: {mode}")
            cells.append(self._retry_once(partial(runner.score, (0, position), mode, users), runner))
            self._folder.append(Probe(cells[-1], users))
        return cells

    def _profile(self, run: Run, runner: CellRunner) -> list[Cell]:
        cells = []
        tried: list[DeepProfile] = []
        for position, mode in enumerate(run.modes if self._settings.profile_s else (), 1):
            self._report(0, f"flame graph: {mode}")
            profile = self._retry_once(partial(runner.profile, position, mode), runner)
            cells.append(profile.cell)
            self._folder.append(profile)
            self._report(self._settings.profiled_s, mode)
            if not perf_unavailable(tried):
                self._report(0, f"perf profile: {mode}")
                deep = self._retry_once(partial(runner.deep_profile, position, mode), runner)
                self._folder.append(deep)
                if deep.reason:
                    self._report(0, f"no kernel frames of {mode}: {deep.reason}")
                tried.append(deep)
            self._report(self._settings.profiled_s, mode)
        return cells + [deep.cell for deep in tried if deep.cell]
