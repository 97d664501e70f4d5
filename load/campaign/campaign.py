"""One run of a campaign: proofs, a pilot, rounds, probes and flame graphs, all written to the run's folder.

Its rule: three passes that are never mixed (docs/method.md §1), and whatever is complete is written at once.
"""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from errors import UserError
from load.campaign.plan import Plan
from load.campaign.profile_pass import ProfilePass
from load.campaign.progress import Progress, Report
from load.campaign.readiness import check_measurable, shortage
from load.campaign.round_runner import RoundResult, RoundRunner
from load.campaign.schedule import Schedule
from load.campaign.serving import Serving
from load.campaign.settings import Settings, after, now, run_record
from load.context import LoadContext
from load.errors import PeerLostError
from load.users.pacing import resolve
from profiles.protocol import Facts
from profiles.store import aa_floors
from profiles.store.clock_check import ClockCheck
from profiles.store.proof import Proof
from profiles.store.records import Cell, Probe, Run, State, Void
from profiles.store.run_folder import RunFolder
from reports.analysis.aa_floor import conditions, floor_of_run
from reports.analysis.bottleneck import mostly_client_limited, rate
from reports.analysis.disturbance import steal_seen
from reports.analysis.rounds import Dataset
from units import exact_size

CLOCK_S = 1.0

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
        self._plan = Plan(settings)
        self._clock = ClockCheck()

    def run(self) -> list[Cell]:
        """Every pass; the cells of all of them.

        Raises UserError when the run cannot go on: complete rounds are kept, and the record holds the reason.
        """
        facts = self._agent.facts()
        check_measurable(self._agent, self._settings, facts)
        run = self._create_run(facts)
        schedule = Schedule(run, self._settings.measured_modes, self._settings.retries, self._folder.read(Proof))
        serving = Serving(self._context, self._settings, self._folder, facts)
        runner = RoundRunner(serving, self._settings, facts)
        end: tuple[State, str | None] = ("interrupted", "interrupted before all rounds were complete")
        unscored: list[Cell] = []
        try:
            if not self._settings.quick:
                self._check_clock(schedule)
            unscored += self._pilot(schedule, serving, runner)
            self._score(schedule, serving, runner)
            unscored += self._probe(schedule, serving, runner, facts)
            self._plan.probed()
            unscored += self._profile(schedule.run, serving, facts)
            end = ("done", None)
        except UserError as error:
            end = ("failed", str(error))
            raise
        finally:
            self._close(schedule, serving, *end)
        floor = floor_of_run(schedule.dataset())
        if floor is not None and floor.holds_one:  # for later runs under the same conditions
            aa_floors.save_floor(self._floors, conditions(schedule.run), floor)
        return [*schedule.cells, *unscored]

    def _close(self, schedule: Schedule, serving: Serving, state: State, reason: str | None) -> None:
        serving.clear()
        for mode, line in serving.last_stderr_lines.items():
            self._tell(f"{mode}: {line}")
        with contextlib.suppress(UserError):  # it was lost, which is why the run ends
            schedule.run = replace(schedule.run, file=after(schedule.run.file, self._agent.file_state()))
        congestion = " and ".join(sorted(set(serving.congestion.values()) - {""})) or None
        schedule.run = replace(
            schedule.run,
            host=schedule.run.host | {"congestion_control": congestion},
            congestion=dict(serving.congestion),
            state=state,
            reason=reason,
            ended_at=now(),
        )
        self._folder.write_run(schedule.run)

    def _tell(self, step: str, dataset: Dataset | None = None) -> None:
        self._report(Progress(step, self._plan.done_share, self._plan.left_s, dataset))

    def _create_run(self, facts: Facts) -> Run:
        """Prove the modes, then create the folder and write the first record."""
        self._folder.create()
        try:
            proofs = self._prove()
            skipped = {proof.mode: proof.reason or "" for proof in proofs if proof.refusal}
            name = self._folder.path.name
            name = f"{self._saturated.path.name}/{name}" if self._saturated else name
            record = run_record(self._settings, name, skipped, facts)
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
            self._tell(f"proof: {mode}")
            proofs.append(self._agent.prove(self._settings.mode_of(mode), self._settings.options_of(mode), mode))
            self._plan.proved()
        refused = {proof.mode: proof for proof in proofs if proof.refusal}
        for mode, proof in refused.items():
            if self._settings.named or mode == self._settings.reference:
                raise UserError(str(proof.refusal))
            self._tell(f"skipped: {mode}: {proof.reason}")
        present = tuple(mode for mode in self._settings.modes if mode not in refused)
        self._settings = replace(self._settings, modes=present)
        return proofs

    def _check_clock(self, schedule: Schedule) -> None:
        """Is stolen time in a process's CPU time here (docs/method.md §6)? What was seen before counts, too."""
        self._tell("is stolen time billed to processes?")
        self._clock += self._agent.check_clock(self._settings.placement.server_cpus, CLOCK_S)
        known = schedule.run.host | {"process clock": self._clock.text}
        schedule.run = replace(schedule.run, clock_excludes_steal=self._clock.excludes_steal, host=known)

    def _pilot(self, schedule: Schedule, serving: Serving, runner: RoundRunner) -> list[Cell]:
        """Find the rate that every mode can keep up with, in a round that is never scored.

        Where both questions are asked, the saturated campaign does it before its rounds, so that a rate that is too
        high is refused at once.
        """
        settings = self._settings
        if settings.pace.rate is None:
            return []
        cells = [] if self._saturated else self._unscored(runner, serving, schedule.modes, "pilot", settings.users)
        ceilings = {cell.mode: cell.received_bytes / cell.wall_s for cell in cells if not cell.failures}
        ceilings = self._saturated.read_run().pilot_bytes_per_s if self._saturated else ceilings
        schedule.run = replace(schedule.run, pilot_bytes_per_s=ceilings)
        rate = resolve(settings.pace.rate, ceilings)
        if settings.rate is not None:
            serving.rate_bytes_per_s = rate
            command = replace(settings, pace=replace(settings.pace, rate=rate)).repeating_command
            record = replace(schedule.run, rate_bytes_per_s=rate, command=command)
            schedule.run = replace(record, floor=aa_floors.load_floor(self._floors, conditions(record)))
            self._tell(f"every mode is offered {exact_size(rate)}/s")
        self._folder.write_run(schedule.run)
        return cells

    def _unscored(
        self, runner: RoundRunner, serving: Serving, modes: tuple[str, ...], step: str, users: int
    ) -> list[Cell]:
        """The cells of one short round."""
        self._tell(step)
        return self._retry_once(lambda: runner.run(0, modes, users, sweeps=1), serving).cells

    def _score(self, schedule: Schedule, serving: Serving, runner: RoundRunner) -> None:
        for number, modes in schedule.rounds():
            again = "".join(f", repeats round {one.of}" for one in schedule.run.repeats if one.round == number)
            self._folder.write_run(schedule.run)
            self._tell(f"round {number}{again}")
            try:
                result = runner.run(number, modes)
                for void in result.voids:
                    self._tell(f"void in round {number}: {void.mode}: {void.reason}")
            except PeerLostError as lost:
                result = RoundResult(voids=[Void(number, runner.measuring, str(lost))])
                self._wait_for_recovery(lost, serving)
            schedule.cells += result.cells
            schedule.void(*result.voids)
            schedule.run = replace(schedule.run, sweeps=runner.sweeps)
            unknown = self._clock.excludes_steal is None and not self._settings.quick
            if unknown and steal_seen(schedule.cells_of(number), schedule.run):
                self._check_clock(schedule)
            self._folder.append(*result.slices)
            self._folder.append(*result.cells)
            self._plan.round_is_over(schedule)
            self._tell(f"round {number}{again}", schedule.dataset())
        self._folder.write_run(schedule.run)
        self._plan.rounds_are_over()
        if not schedule.cells:
            last = schedule.run.voids[-1]
            raise UserError(f"nothing could be measured: {last.mode}: {last.reason}")

    def _wait_for_recovery(self, lost: PeerLostError, serving: Serving) -> None:
        """Raises UserError when the lost agent or workers do not come back."""
        self._tell(f"void: {lost}; waiting for it to come back")
        serving.recover()

    def _retry_once(self, measure: Callable[[], T], serving: Serving) -> T:
        """Measure again after a loss: outside the rounds nothing is paired."""
        try:
            return measure()
        except PeerLostError as lost:
            self._wait_for_recovery(lost, serving)
            return measure()

    def _probe(self, schedule: Schedule, serving: Serving, runner: RoundRunner, facts: Facts) -> list[Cell]:
        """Measure with twice the users: was the server the limit? Modes that the client limited, else the fastest.

        Modes with failures are void and left out.
        """
        if not self._settings.is_probed:
            return []
        records = schedule.dataset()
        failed = {cell.mode for cell in schedule.cells if cell.failures}
        valid = {mode: cells for mode in records.modes if mode not in failed and (cells := records.cells_of(mode))}
        limited = [mode for mode, scored in valid.items() if mostly_client_limited(scored, records.run)]
        fastest = sorted(valid, key=lambda mode: rate(valid[mode]) or 0.0)[-1:]
        users = 2 * self._settings.users
        modes = tuple(limited or fastest)
        if reason := shortage(self._settings, facts, users, modes):
            self._tell(f"no probe with {users} users: {reason}")
            return []
        probed = self._unscored(runner, serving, modes, f"probe with {users} users", users) if modes else []
        self._folder.append(*(Probe(cell, users) for cell in probed))
        return probed

    def _profile(self, run: Run, serving: Serving, facts: Facts) -> list[Cell]:
        """Each mode under the same load with profilers attached; never scored (docs/method.md §1)."""
        profiling = ProfilePass(serving, self._settings, self._folder, facts)
        for position, mode in enumerate(run.modes if self._settings.profile_s else (), 1):
            self._tell(f"flame graph: {mode}")
            self._retry_once(partial(profiling.run, position, mode), serving)
            self._plan.profiled()
        profiling.finish()
        return profiling.cells
