"""Carries a plan out inside Locust, cell by cell, then profiles each mode; everything goes to the run's folder.

Its rule: a cell is a fresh server process, a readiness probe, a discarded warm-up, a measured window and a stop, and
only the server under measurement runs (method.md §2). A cell is written as soon as it is complete.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import gevent
from locust.env import Environment
from locust.runners import LocalRunner

from errors import UserError
from load import plan
from load.cell import LOAD, Edge, interpolate, measure
from load.client import DownloadError
from load.server_host import ServerHost
from load.settings import Settings, now, run_record
from load.users import PATH, DownloadUser
from profiles.protocol import Facts, Start
from profiles.records import Cell, Profile, Proof, Sample, State
from profiles.run_folder import RunFolder

SPAWN_TIMEOUT_S = 10.0
RECORDING_GRACE_S = 30.0


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
        runner = environment.runner
        assert isinstance(runner, LocalRunner)
        self._runner = runner
        self._users = users
        self._host = host
        self._folder = folder
        self._settings = settings
        self._progress = progress
        self._congestion: dict[str, str] = {}
        self._seen_samples = 0
        self._began_s = time.monotonic()  # the agent's clock too, since it runs on this machine

    def run(self) -> list[Cell]:
        """All rounds, then the profile pass; the cells of both.

        Raises UserError when it cannot go on; the rounds that were complete are kept, and the reason stands in
        the run's record.
        """
        facts = self._host.facts()
        self._folder.create()
        try:
            proofs = self._prove()
        except BaseException:
            self._folder.path.rmdir()  # nothing stands in it yet
            raise
        skipped = {proof.mode: proof.reason or "" for proof in proofs if proof.state == "missing"}
        order = plan.order(self._settings.modes, self._settings.rounds, self._settings.seed)
        record = run_record(self._settings, self._folder.path.name, order, skipped, facts)
        self._folder.write_run(record)
        for proof in proofs:
            self._folder.append_proof(proof)
        cells: list[Cell] = []
        end: tuple[State, str | None] = ("interrupted", "interrupted before all rounds were complete")
        try:
            for number, modes in enumerate(order, 1):
                for position, mode in enumerate(modes, 1):
                    self._progress(0, f"round {number} of {len(order)}: {mode}")
                    cells.append(self._score((number, position), mode, facts))
                    self._folder.append_cell(cells[-1])
                    self._progress(self._settings.warm_up_s + self._settings.window_s, mode)
            for position, mode in enumerate(record.modes if self._settings.profile_s else ()):
                self._progress(0, f"flame graph: {mode}")
                profile = self._profile(position, mode, facts)
                cells.append(profile.cell)
                self._folder.append_profile(profile)
                self._progress(self._settings.warm_up_s + self._settings.profile_s, mode)
            state = self._host.file_state()
            file = replace(record.file, resident_share_after=state.resident_share, changed=state.changed)
            record = replace(record, file=file)
            end = ("done", None)
        except UserError as error:
            end = ("failed", str(error))
            raise
        finally:
            self._runner.stop()
            congestion = " and ".join(sorted(set(self._congestion.values()))) or None
            host = record.host | {"congestion_control": congestion}
            self._folder.write_run(replace(record, host=host, state=end[0], reason=end[1], ended_at=now()))
        return cells

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

    def _score(self, place: tuple[int, int], mode: str, facts: Facts) -> Cell:
        with self._loaded(mode, facts, traceable=False) as user_class:
            first = self._edge(user_class)
            user_class.meter.reset()
            gevent.sleep(self._settings.window_s)
            return self._cell(place, mode, user_class, first, facts)

    def _profile(self, position: int, mode: str, facts: Facts) -> Profile:
        """One mode under the same load with py-spy attached: labelled, never scored (method.md §1)."""
        with self._loaded(mode, facts, traceable=True) as user_class:
            self._host.record(mode, self._settings.profile_s)
            first = self._edge(user_class)
            user_class.meter.reset()
            gevent.sleep(self._settings.profile_s)
            cell = self._cell((0, position), mode, user_class, first, facts)
            deadline_s = time.monotonic() + RECORDING_GRACE_S
            while (recording := self._host.recording(mode)).state == "recording":
                if time.monotonic() > deadline_s:
                    return Profile(cell, None, None, f"py-spy did not end within {RECORDING_GRACE_S:.0f} s of its time")
                gevent.sleep(0.1)
        if recording.state == "failed":
            return Profile(cell, None, None, recording.reason)
        self._folder.write_file(f"{mode}.svg", recording.svg.encode())
        self._folder.write_file(f"{mode}.raw", recording.raw.encode())
        return Profile(cell, f"{mode}.svg", f"{mode}.raw")

    @contextlib.contextmanager
    def _loaded(self, mode: str, facts: Facts, traceable: bool) -> Iterator[type[DownloadUser]]:
        """A fresh server under load, warmed up; both stopped at the end, and the samples written."""
        settings = self._settings
        user_class = next(users for users in self._users.values() if users.target == mode)
        wanted = Start(
            mode, settings.options.get(mode, {}), settings.any_port, traceable, settings.placement.server_cpus
        )
        status = self._host.start(wanted)
        self._congestion[mode] = status.congestion_control
        try:
            user_class.address = (status.host, status.port)
            user_class.sink = settings.sink
            user_class.expected_bytes = facts.file.size_bytes
            _probe(user_class, mode)
            self._runner.start(settings.users, spawn_rate=settings.users, user_classes=[user_class])
            self._wait_for_users()
            gevent.sleep(settings.warm_up_s)
            yield user_class
        finally:
            self._runner.stop()
            self._host.stop(mode)
            self._write_samples()

    def _wait_for_users(self) -> None:
        deadline_s = time.monotonic() + SPAWN_TIMEOUT_S
        while self._runner.user_count < self._settings.users:
            if time.monotonic() > deadline_s:
                raise UserError(
                    f"only {self._runner.user_count} of {self._settings.users} users started; ask for fewer"
                )
            gevent.sleep(0.01)

    def _edge(self, user_class: type[DownloadUser]) -> Edge:
        meter = user_class.meter
        before_s, before_bytes, before_downloads = time.monotonic(), meter.received_bytes, meter.downloads
        snapshot = self._host.snapshot()
        after_s, after_bytes, after_downloads = time.monotonic(), meter.received_bytes, meter.downloads
        return Edge(
            snapshot,
            interpolate(snapshot.monotonic_s, (before_s, before_bytes), (after_s, after_bytes)),
            interpolate(snapshot.monotonic_s, (before_s, before_downloads), (after_s, after_downloads)),
        )

    def _cell(
        self, place: tuple[int, int], mode: str, user_class: type[DownloadUser], first: Edge, facts: Facts
    ) -> Cell:
        last = self._edge(user_class)
        if mode not in last.snapshot.processes:
            status = next(status for status in self._host.statuses() if status.name == mode)
            raise UserError(
                f"{mode}'s server ended in the middle of a cell: {status.last_words or 'it left no words'}; "
                f"the rounds before are kept"
            )
        started_s = first.snapshot.monotonic_s - self._began_s
        return measure(place, mode, started_s, (first, last), user_class.meter, facts.metrics)

    def _write_samples(self) -> None:
        fresh = self._host.samples(self._seen_samples)
        self._seen_samples = fresh.last
        self._folder.append_samples(
            Sample(sample.monotonic_s - self._began_s, sample.process, sample.pid, sample.values)
            for sample in fresh.samples
        )


def start_watching(host: ServerHost, pid: int) -> None:
    """Have the agent sample the load generator too."""
    host.watch(LOAD, pid)


def _probe(user_class: type[DownloadUser], mode: str) -> None:
    """One whole download before any load: is this server ready, and does it send what it should?"""
    connection = user_class.connection(lambda _: None)
    try:
        connection.download(PATH)
    except DownloadError as error:
        raise UserError(f"{mode} does not serve {PATH}: {type(error).__name__}: {error}") from error
    finally:
        connection.close()
