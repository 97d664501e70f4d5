"""Carries a plan out inside Locust: proofs, a pilot, rounds, probes, flame graphs; all goes to the run's folder.

Its rule: three passes that are never mixed (method.md §1), and what is complete is written at once.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from locust.env import Environment

from errors import UserError
from load.agent.client import AgentClient
from load.campaign import schedule
from load.campaign.cell_runner import CellRunner
from load.campaign.readiness import check_cold
from load.campaign.schedule import Schedule, perf_unavailable
from load.campaign.settings import Settings, now, run_record
from load.errors import PeerLostError
from load.users.locust_users import DownloadUser
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

T = TypeVar("T")


class Campaign:
    """One run. progress is told the seconds of plan that are done, and what comes next. part_of: the folder of the run
    that asks the other question (method.md §2); its proofs hold here too."""

    def __init__(
        self,
        environment: Environment,
        user_classes: dict[str, type[DownloadUser]],
        agent: AgentClient,
        folder: RunFolder,
        settings: Settings,
        progress: Callable[[float, str], None],
        part_of: RunFolder | None = None,
    ) -> None:
        self._environment = environment
        self._users = user_classes
        self._agent = agent
        self._folder = folder
        self._settings = settings
        self._progress = progress
        self._part_of = part_of
        whole = (part_of or folder).path
        self._name = whole.name if part_of is None else f"{whole.name}/{folder.path.name}"
        self._floors = whole.parent

    def run(self) -> list[Cell]:
        """All rounds, then the probes and the profile pass; the cells of all of them.

        Raises UserError when it cannot go on; the rounds that were complete are kept, and the reason stands in
        the run's record.
        """
        facts = self._agent.facts()
        self._check_preconditions(facts)
        schedule = Schedule(self._create_run(facts), self._settings.retries)
        stage = CellRunner(self._environment, self._users, self._agent, self._folder, self._settings, facts)
        end: tuple[State, str | None] = ("interrupted", "interrupted before all rounds were complete")
        others: list[Cell] = []
        try:
            others += self._pilot(schedule, stage)
            self._score(schedule, stage)
            others += self._probe(schedule, stage)
            others += self._profile(schedule.run, stage)
            state = self._agent.file_state()
            file = replace(schedule.run.file, resident_share_after=state.resident_share, changed=state.changed)
            schedule.run = replace(schedule.run, file=file)
            end = ("done", None)
        except UserError as error:
            end = ("failed", str(error))
            raise
        finally:
            stage.clear()
            for mode, said in stage.said.items():
                self._progress(0, f"{mode}: {said}")
            congestion = " and ".join(sorted(set(stage.congestion.values()) - {""})) or None
            host = schedule.run.host | {"congestion_control": congestion}
            schedule.run = replace(schedule.run, host=host, congestion=dict(stage.congestion))
            schedule.run = replace(schedule.run, state=end[0], reason=end[1], ended_at=now())
            self._folder.write_run(schedule.run)
        self._keep_floor(schedule)
        return [*schedule.cells, *others]

    def _check_preconditions(self, facts: Facts) -> None:
        """What cannot be measured here. Raises UserError before there is a folder."""
        if not facts.file.size_bytes:
            raise UserError(f"{facts.file.path} is empty, and nothing costs nothing: give a SIZE like 256MiB")
        if isinstance(self._settings.pace.rate, int):
            check_starts(self._settings.pace.rate, facts.file.size_bytes, self._settings.window_s)
        if self._settings.cache == "cold":
            others = {target.name for target in facts.targets if target.sha256} & {*self._settings.modes}
            if others:
                raise UserError(f"{' and '.join(others)} cannot be made cold: not {facts.file.path} is what it sends")
            check_cold(self._agent, facts.file.path)

    def _create_run(self, facts: Facts) -> Run:
        """The folder, the proofs and the record of a run that begins now."""
        self._folder.create()
        try:
            proofs = self._prove()
            skipped = {proof.mode: proof.reason or "" for proof in proofs if proof.state == "missing"}
            order = schedule.order(self._settings.measured_modes, self._settings.rounds, self._settings.seed)
            record = run_record(self._settings, self._name, order, skipped, facts)
            record = replace(record, floor=aa_floors.load_floor(self._floors, conditions(record)))
        except BaseException:
            self._folder.path.rmdir()  # nothing stands in it yet
            raise
        self._folder.write_run(record)
        for proof in proofs:
            self._folder.append_proof(proof)
        self._folder.append_code(code for code in facts.code if code.mode is None or code.mode in record.modes)
        return record

    def _prove(self) -> list[Proof]:
        """What each mode really does, before any timing; modes that this machine lacks leave the settings."""
        proofs = list(self._part_of.read_proofs()) if self._part_of else []
        for mode in () if self._part_of else self._settings.modes:
            self._progress(0, f"proof: {mode}")
            proofs.append(self._agent.prove(mode))
        missing = {proof.mode: proof.reason for proof in proofs if proof.state == "missing"}
        for mode, reason in missing.items():
            if self._settings.named or mode == self._settings.modes[0]:
                raise UserError(f"{mode} is missing on this machine: {reason}")
            self._progress(0, f"skipped: {mode}: {reason}")
        present = tuple(mode for mode in self._settings.modes if mode not in missing)
        self._settings = replace(self._settings, modes=present)
        return proofs

    def _pilot(self, schedule: Schedule, runner: CellRunner) -> list[Cell]:
        """The rate that all modes can be offered; told, and never scored. Where both questions are asked, it is looked
        for before the first one's rounds, so that what cannot be offered is known at once."""
        settings = self._settings
        if settings.pace.rate is None:
            return []
        cells = [] if self._part_of else self._saturated_once(schedule.run, runner)
        ceilings = {cell.mode: cell.received_bytes / cell.wall_s for cell in cells if not cell.failures}
        ceilings = self._part_of.read_run().pilot_bytes_per_s if self._part_of else ceilings
        schedule.run = replace(schedule.run, pilot_bytes_per_s=ceilings)
        rate = resolve(settings.pace.rate, ceilings)
        check_starts(rate, schedule.run.file.size_bytes, settings.window_s)
        if settings.rate is not None:
            self._set_rate(rate, schedule, runner)
        self._folder.write_run(schedule.run)
        return cells

    def _saturated_once(self, run: Run, runner: CellRunner) -> list[Cell]:
        """What each mode reaches when it is saturated."""
        cells = []
        for position, mode in enumerate(run.modes, 1):
            self._progress(0, f"pilot: {mode}")
            cells.append(self._retry_once(partial(runner.score, (0, position), mode, self._settings.users), runner))
            self._progress(self._settings.cell_s, mode)
        return cells

    def _set_rate(self, rate: int, schedule: Schedule, runner: CellRunner) -> None:
        """This rate from now on, to every mode."""
        settings = self._settings
        runner.rate_bytes_per_s = rate
        command = replace(settings, pace=replace(settings.pace, rate=rate)).repeating_command
        record = replace(schedule.run, rate_bytes_per_s=rate, command=command)
        schedule.run = replace(record, floor=aa_floors.load_floor(self._floors, conditions(record)))
        self._progress(0, f"offered to every mode: {exact_size(rate)}/s")

    def _score(self, schedule: Schedule, runner: CellRunner) -> None:
        settings = self._settings
        for number, modes in schedule.rounds():
            again = "".join(f" (round {one.of} again)" for one in schedule.run.repeats if one.round == number)
            if again:
                self._folder.write_run(schedule.run)
            self._round((number, again), modes, schedule, runner)
        if schedule.run.stopped:
            spared = settings.rounds - len(schedule.run.order)
            self._progress(max(0, spared) * settings.round_s, f"precise enough: {schedule.run.stopped}")

    def _round(self, which: tuple[int, str], modes: tuple[str, ...], schedule: Schedule, runner: CellRunner) -> None:
        """Every mode once; a cell that is void ends the round. which: its number, and of which one it is a repeat."""
        number, again = which
        for position, mode in enumerate(modes, 1):
            self._progress(0, f"round {number} of {len(schedule.run.order)}{again}: {mode}")
            try:
                cell = runner.score((number, position), mode, self._settings.users)
            except PeerLostError as lost:
                schedule.void(number, mode, str(lost))
                self._folder.write_run(schedule.run)
                return self._wait_for_recovery(lost, runner)
            schedule.cells.append(cell)
            self._folder.append_cell(cell)
            self._progress(self._settings.cell_s, mode)
        return None

    def _wait_for_recovery(self, lost: PeerLostError, runner: CellRunner) -> None:
        """Raises UserError when who was lost does not come back."""
        self._progress(0, f"void: {lost}; waiting for it to come back")
        runner.recover()

    def _retry_once(self, deed: Callable[[], T], runner: CellRunner) -> T:
        """Once more, where somebody was lost: outside the rounds nothing has to be paired."""
        try:
            return deed()
        except PeerLostError as lost:
            self._wait_for_recovery(lost, runner)
            return deed()

    def _probe(self, schedule: Schedule, runner: CellRunner) -> list[Cell]:
        """The modes that the client limited, else the fastest, with doubled users: was the server the limit?

        A mode that failed is void, and so not asked. Of a paced run nobody asks, and a cold cell has one user.
        """
        if self._settings.rate is not None or self._settings.cache == "cold":
            return []
        records = build(schedule.run, tuple(schedule.cells))
        failed = {cell.mode for cell in schedule.cells if cell.failures}
        sound = {mode: records.cells_of(mode) for mode in records.modes if mode not in failed}
        limited = [mode for mode, scored in sound.items() if mostly_client_limited(scored, records.run)]
        fastest = sorted(sound, key=lambda mode: rate(sound[mode]) or 0.0)[-1:]
        cells = []
        users = 2 * self._settings.users
        for position, mode in enumerate(limited or fastest, 1):
            self._progress(0, f"with {users} users: {mode}")
            cells.append(self._retry_once(partial(runner.score, (0, position), mode, users), runner))
            self._folder.append_probe(Probe(cells[-1], users))
        return cells

    def _profile(self, run: Run, runner: CellRunner) -> list[Cell]:
        cells = []
        deep: list[DeepProfile] = []
        for position, mode in enumerate(run.modes if self._settings.profile_s else (), 1):
            self._progress(0, f"flame graph: {mode}")
            profile = self._retry_once(partial(runner.profile, position, mode), runner)
            cells.append(profile.cell)
            self._folder.append_profile(profile)
            self._progress(self._settings.profiled_s, mode)
            if not perf_unavailable(deep):
                deep.append(self._deep(position, mode, runner))
                cells += [one.cell for one in deep[-1:] if one.cell]
            self._progress(self._settings.profiled_s, mode)
        return cells

    def _deep(self, position: int, mode: str, runner: CellRunner) -> DeepProfile:
        self._progress(0, f"down into the kernel: {mode}")
        deep = self._retry_once(partial(runner.deep_profile, position, mode), runner)
        self._folder.append_deep(deep)
        if deep.reason:
            self._progress(0, f"py-spy's frames alone of {mode}: {deep.reason}")
        return deep

    def _keep_floor(self, schedule: Schedule) -> None:
        """For later runs under the same conditions; an A/A check that failed calibrates nothing."""
        floor = floor_of_run(build(schedule.run, tuple(schedule.cells)))
        if floor is not None and floor.holds_one:
            aa_floors.save_floor(self._floors, conditions(schedule.run), floor)
