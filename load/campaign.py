"""Carries a plan out inside Locust: proofs, rounds, probes, flame graphs; everything goes to the run's folder.

Its rule: three passes that are never mixed (method.md §1), and what is complete is written at once.
"""

from collections.abc import Callable
from dataclasses import replace

from locust.env import Environment

from errors import UserError
from load import plan
from load.schedule import Schedule
from load.server_host import ServerHost
from load.settings import Settings, now, run_record
from load.stage import Stage
from load.users import DownloadUser
from profiles import calibration
from profiles.protocol import Facts
from profiles.records import Cell, Probe, Proof, Run, State
from profiles.run_folder import RunFolder
from reports.floor import conditions, own_floor
from reports.limits import mostly_client_limited, rate
from reports.measured import measured


class Campaign:
    """One run. progress is told the seconds of plan that are done, and what comes next."""

    def __init__(
        self,
        environment: Environment,
        users: dict[str, type[DownloadUser]],
        host: ServerHost,
        folder: RunFolder,
        settings: Settings,
        progress: Callable[[float, str], None],
    ) -> None:
        self._environment = environment
        self._users = users
        self._host = host
        self._folder = folder
        self._settings = settings
        self._progress = progress

    def run(self) -> list[Cell]:
        """All rounds, then the probes and the profile pass; the cells of all of them.

        Raises UserError when it cannot go on; the rounds that were complete are kept, and the reason stands in
        the run's record.
        """
        facts = self._host.facts()
        schedule = Schedule(self._begin(facts), self._settings.retries)
        stage = Stage(self._environment, self._users, self._host, self._folder, self._settings, facts)
        end: tuple[State, str | None] = ("interrupted", "interrupted before all rounds were complete")
        others: list[Cell] = []
        try:
            self._score(schedule, stage)
            others += self._probe(schedule, stage)
            others += self._profile(schedule.run, stage)
            state = self._host.file_state()
            file = replace(schedule.run.file, resident_share_after=state.resident_share, changed=state.changed)
            schedule.run = replace(schedule.run, file=file)
            end = ("done", None)
        except UserError as error:
            end = ("failed", str(error))
            raise
        finally:
            stage.clear()
            congestion = " and ".join(sorted(set(stage.congestion.values()))) or None
            host = schedule.run.host | {"congestion_control": congestion}
            schedule.run = replace(schedule.run, host=host, state=end[0], reason=end[1], ended_at=now())
            self._folder.write_run(schedule.run)
        self._keep_floor(schedule)
        return [*schedule.cells, *others]

    def _begin(self, facts: Facts) -> Run:
        """The folder, the proofs and the record of a run that begins now."""
        self._folder.create()
        try:
            proofs = self._prove()
            skipped = {proof.mode: proof.reason or "" for proof in proofs if proof.state == "missing"}
            order = plan.order(self._settings.measured_modes, self._settings.rounds, self._settings.seed)
            record = run_record(self._settings, self._folder.path.name, order, skipped, facts)
            record = replace(record, floor=calibration.kept(self._folder.path.parent, conditions(record)))
        except BaseException:
            self._folder.path.rmdir()  # nothing stands in it yet
            raise
        self._folder.write_run(record)
        for proof in proofs:
            self._folder.append_proof(proof)
        return record

    def _prove(self) -> list[Proof]:
        """What each mode really does, before any timing; modes that this machine lacks leave the settings."""
        proofs = []
        for mode in self._settings.modes:
            self._progress(0, f"proof: {mode}")
            proofs.append(self._host.prove(mode))
        missing = {proof.mode: proof.reason for proof in proofs if proof.state == "missing"}
        for mode, reason in missing.items():
            if self._settings.named or mode == self._settings.modes[0]:
                raise UserError(f"{mode} is missing on this machine: {reason}")
            self._progress(0, f"skipped: {mode}: {reason}")
        present = tuple(mode for mode in self._settings.modes if mode not in missing)
        self._settings = replace(self._settings, modes=present)
        return proofs

    def _score(self, schedule: Schedule, stage: Stage) -> None:
        settings = self._settings
        for number, modes in schedule.rounds():
            again = "".join(f" (round {one.of} again)" for one in schedule.run.repeats if one.round == number)
            if again:
                self._folder.write_run(schedule.run)
            for position, mode in enumerate(modes, 1):
                self._progress(0, f"round {number} of {len(schedule.run.order)}{again}: {mode}")
                cell = stage.score((number, position), mode, settings.users)
                schedule.cells.append(cell)
                self._folder.append_cell(cell)
                self._progress(settings.cell_s, mode)
        if schedule.run.stopped:
            spared = settings.rounds - len(schedule.run.order)
            self._progress(max(0, spared) * settings.round_s, f"precise enough: {schedule.run.stopped}")

    def _probe(self, schedule: Schedule, stage: Stage) -> list[Cell]:
        """The modes that the client limited, else the fastest, with doubled users: was the server the limit?

        A mode that failed is void, and so not asked.
        """
        records = measured(schedule.run, tuple(schedule.cells))
        failed = {cell.mode for cell in schedule.cells if cell.failures}
        sound = {mode: records.cells_of(mode) for mode in records.modes if mode not in failed}
        limited = [mode for mode, scored in sound.items() if mostly_client_limited(scored, records.run)]
        fastest = sorted(sound, key=lambda mode: rate(sound[mode]) or 0.0)[-1:]
        cells = []
        users = 2 * self._settings.users
        for position, mode in enumerate(limited or fastest, 1):
            self._progress(0, f"with {users} users: {mode}")
            cells.append(stage.score((0, position), mode, users))
            self._folder.append_probe(Probe(cells[-1], users))
        return cells

    def _profile(self, run: Run, stage: Stage) -> list[Cell]:
        cells = []
        for position, mode in enumerate(run.modes if self._settings.profile_s else (), 1):
            self._progress(0, f"flame graph: {mode}")
            profile = stage.profile(position, mode)
            cells.append(profile.cell)
            self._folder.append_profile(profile)
            self._progress(self._settings.warm_up_s + self._settings.profile_s, mode)
        return cells

    def _keep_floor(self, schedule: Schedule) -> None:
        """For later runs under the same conditions; an A/A check that failed calibrates nothing."""
        floor = own_floor(measured(schedule.run, tuple(schedule.cells)))
        if floor is not None and floor.holds_one:
            calibration.keep(self._folder.path.parent, conditions(schedule.run), floor)
