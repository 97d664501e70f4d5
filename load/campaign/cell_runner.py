"""One cell at a time: a fresh server, users, a window, and everything stopped again.

Its rule: a cell is a fresh server process, a readiness probe, a discarded warm-up, a measured window and a stop, and
only the server under measurement runs (method.md §2). The window of a cold cell is one download by one user: bytes that
are read a second time come from the page cache.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace

import gevent
from locust.env import Environment

from errors import UserError
from load.agent.client import AgentClient
from load.campaign.cell import WindowBoundary, measure
from load.campaign.readiness import check_ready, download_once
from load.campaign.settings import Settings
from load.campaign.window_edges import boundary, local_boundaries
from load.errors import PeerLostError
from load.users.locust_users import DownloadUser
from load.users.meter import Meter
from load.workers.recruit import pool_for
from load.workers.samples import WORKER, merge_worker_samples
from profiles.protocol import LOAD, Facts, Profiler, Recording, Start
from profiles.store.records import Cell, DeepProfile, Profile, Sample
from profiles.store.run_folder import RunFolder

RECORDING_GRACE_S = 30.0
MOST_WAITED, LEAST_PATIENCE_S = 3, 2.0
WINDOW_STEP_S = 0.01
WATCH_STEP_S = 0.5

Position = tuple[int, int]


class CellRunner:
    """Where cells are measured. congestion: what each server said that it uses. rate_bytes_per_s: what is offered to
    every mode from now on, None for as fast as it goes. said: by servers that did not end as they should."""

    def __init__(
        self,
        environment: Environment,
        user_classes: dict[str, type[DownloadUser]],
        agent: AgentClient,
        folder: RunFolder,
        settings: Settings,
        facts: Facts,
    ) -> None:
        self._pool = pool_for(environment, settings.workers)
        self._users = user_classes
        self._agent = agent
        self._folder = folder
        self._settings = settings
        self._facts = facts
        self._seen_samples = agent.newest_sample()  # the agent may have been there for long
        self._watched: tuple[int, ...] = ()
        self._began_s = time.monotonic()
        self._cpu_probe_us: float | None = None
        self.congestion: dict[str, str] = {}
        self.said: dict[str, str] = {}
        self.rate_bytes_per_s: int | None = None

    def score(self, place: Position, mode: str, users: int) -> Cell:
        """A cell with nothing attached to the server. place: round and position, from 1. Raises UserError."""
        real = self._settings.real(mode)
        cell, share = self._cold(place, real) if self._settings.cache == "cold" else self._warm(place, real, users)
        metrics = cell.metrics | {"resident_share": share, "cpu_probe_us": self._cpu_probe_us}
        return replace(cell, mode=mode, metrics=metrics)

    def _warm(self, place: Position, mode: str, users: int) -> tuple[Cell, float | None]:
        """The cell, and the share of the file in the page cache, before or after: the less.

        What is absent is read before: it was lost in another cell, and that one shows it.
        """
        resident = self._agent.warm().resident_share
        with self._loaded(mode, users, profiler=None):
            cell = self._window(place, mode, self._settings.window_s, cycle=users)
        shares = (resident, self._agent.file_state().resident_share)
        return cell, None if None in shares else min(share for share in shares if share is not None)

    def _cold(self, place: Position, mode: str) -> tuple[Cell, float | None]:
        """The cell, and the share of the file that was left in the page cache before it."""
        with self._served(mode, profiler=None) as user_class:
            meter = user_class.meter
            with contextlib.closing(user_class.connection(meter.add_bytes)) as connection:
                check_ready(connection, user_class)  # the discarded warm-up, over the connection that is measured
                share = self._agent.drop().resident_share
                (first,) = local_boundaries(self._agent, [meter])
                meter.reset()
                download_once(connection, user_class)
                (last,) = local_boundaries(self._agent, [meter])
                return self._cell(place, mode, (first, last), meter), share

    def profile(self, position: int, mode: str) -> Profile:
        """One mode under the same load with py-spy attached: labelled, never scored (method.md §1)."""
        settings = self._settings
        with self._loaded(mode, settings.users, "py-spy"):
            self._agent.record(mode, settings.profile_s)
            cell = self._window((0, position), mode, settings.profile_s)
            recording = self._recording(mode)
        if recording.state == "failed":
            return Profile(cell, None, None, recording.reason)
        self._folder.write_file(f"{mode}.svg", recording.svg.encode())
        self._folder.write_file(f"{mode}.raw", recording.raw.encode())
        return Profile(cell, f"{mode}.svg", f"{mode}.raw")

    def deep_profile(self, position: int, mode: str) -> DeepProfile:
        """The same with perf, which was attached before there were connections; its Python frames may come from the
        py-spy pass just before (profiles/profilers/folded_stacks.py)."""
        settings = self._settings
        with self._loaded(mode, settings.users, "perf"):
            self._agent.record(mode, settings.profile_s)
            refused = self._agent.recording(mode)
            if refused.state == "failed":
                return DeepProfile(mode, None, None, reason=refused.reason)
            cell = self._window((0, position), mode, settings.profile_s)
            recording = self._recording(mode)
        if recording.state == "failed":
            return DeepProfile(mode, cell, None, reason=recording.reason)
        self._folder.write_file(f"{mode}.folded", recording.raw.encode())
        facts = (recording.rate_hz, recording.counted_s, recording.python)
        return DeepProfile(mode, cell, f"{mode}.folded", *facts)

    def clear(self) -> None:
        """Stop the users that may still be there."""
        self._pool.stop()

    def recover(self) -> None:
        """Wait for whom a cell was lost with. Raises UserError when they do not come back."""
        self._pool.recover()
        self._agent.recover()

    def _recording(self, mode: str) -> Recording:
        deadline_s = time.monotonic() + RECORDING_GRACE_S
        while (recording := self._agent.recording(mode)).state == "recording":
            if time.monotonic() > deadline_s:
                return Recording(
                    "failed", reason=f"the profiler did not end within {RECORDING_GRACE_S:.0f} s of its time"
                )
            gevent.sleep(0.1)
        return recording

    @contextlib.contextmanager
    def _loaded(self, mode: str, users: int, profiler: Profiler) -> Iterator[type[DownloadUser]]:
        """A fresh server under load, warmed up; both stopped at the end."""
        with self._served(mode, profiler) as user_class:
            try:
                self._pool.start(user_class, users, self.rate_bytes_per_s)
                self._watch_workers()
                gevent.sleep(self._settings.warm_up_s)
                yield user_class
            finally:
                self._pool.stop()

    def _watch_workers(self) -> None:
        """Have those of this machine sampled, anew when one was replaced."""
        if self._pool.pids != self._watched:
            self._watched = self._pool.pids
            for number, pid in enumerate(self._watched, 1):
                self._agent.watch(f"{WORKER}{number}", pid)

    @contextlib.contextmanager
    def _served(self, mode: str, profiler: Profiler) -> Iterator[type[DownloadUser]]:
        """A fresh server that is ready; stopped at the end, and the samples written."""
        settings = self._settings
        user_class = next(one for one in self._users.values() if one.target == mode)
        options = settings.options.get(mode, {})
        status = self._agent.start(Start(mode, options, settings.any_port, profiler, settings.placement.server_cpus))
        self.congestion[mode] = status.congestion_control
        self._cpu_probe_us = status.cpu_probe_us
        try:
            user_class.address = (status.host, status.port)
            user_class.sink = settings.sink
            user_class.expected_bytes = user_class.own_bytes or self._facts.file.size_bytes
            self._check_ready(user_class)
            yield user_class
        except PeerLostError:
            with contextlib.suppress(PeerLostError):  # an agent that was lost ends its servers with the lease
                self._agent.stop(mode)
            raise
        except BaseException:
            self._end(mode)
            raise
        self._end(mode)

    def _end(self, mode: str) -> None:
        status = self._agent.stop(mode)
        if status.last_stderr_line:
            self.said[mode] = status.last_stderr_line
        self._cpu_probe_us = max(
            (us for us in (self._cpu_probe_us, status.cpu_probe_us) if us is not None), default=None
        )
        self._write_samples()

    def _check_ready(self, user_class: type[DownloadUser]) -> None:
        with contextlib.closing(user_class.connection(lambda _: None)) as connection:
            try:
                check_ready(connection, user_class)
            except UserError:
                self._agent.statuses()  # that the whole host was lost would be the better reason
                raise

    def _window(self, place: Position, mode: str, seconds: float, cycle: int = 0) -> Cell:
        """At least this long, and from the end of one cycle of so many downloads, one per user, to that of another.

        A mode that reads a whole file before it sends the first byte pays for bytes that arrive later, and users who
        began together keep step for long: where a window cuts a cycle, it has more of the one than of the other. So
        cut, read-whole cost 0.62 s/GiB in windows of 0.65 s, 0.72 in such of 2 s, and 0.67 in such of 6 s.
        """
        self._finish_cycle(cycle, seconds)
        first = boundary(self._agent, self._pool, "begin")
        self._let_pass(seconds)
        self._finish_cycle(cycle, seconds)
        last = boundary(self._agent, self._pool, "end")
        return self._cell(place, mode, (first, last), self._pool.meter)

    def _finish_cycle(self, cycle: int, seconds: float) -> None:
        """Wait until the downloads since the start fill one more; at most MOST_WAITED windows, or LEAST_PATIENCE_S."""
        deadline_s = time.monotonic() + max(MOST_WAITED * seconds, LEAST_PATIENCE_S)
        finished = self._downloads() // cycle if cycle else 0
        while cycle and self._downloads() // cycle == finished and time.monotonic() < deadline_s:
            gevent.sleep(WINDOW_STEP_S)

    def _downloads(self) -> int:
        return sum(count.downloads for count in self._pool.counts())

    def _let_pass(self, seconds: float) -> None:
        """Raises PeerLostError as soon as it is known that the window is void."""
        ends_s = time.monotonic() + seconds
        while (left_s := ends_s - time.monotonic()) > 0:
            gevent.sleep(min(left_s, WATCH_STEP_S))
            self._agent.check()
            self._pool.check()

    def _cell(self, place: Position, mode: str, edges: tuple[WindowBoundary, WindowBoundary], meter: Meter) -> Cell:
        first, last = edges
        if mode not in last.snapshot.processes:
            status = next(status for status in self._agent.statuses() if status.name == mode)
            raise UserError(
                f"{mode}'s server ended in the middle of a cell: {status.last_stderr_line or 'it left no words'}; "
                f"the rounds before are kept"
            )
        started_s = first.moment_s - self._began_s
        cell = measure(place, mode, started_s, edges, meter, self._facts.metrics)
        rate = self.rate_bytes_per_s
        return replace(cell, offered_bytes=None if rate is None else round(rate * cell.wall_s))

    def _write_samples(self) -> None:
        fresh = self._agent.samples(self._seen_samples)
        self._seen_samples = fresh.last
        self._folder.append_samples(
            Sample(sample.monotonic_s - self._began_s, sample.process, sample.pid, sample.values)
            for sample in merge_worker_samples(fresh.samples)
        )


def start_watching(agent: AgentClient, pid: int) -> None:
    """Have the agent sample the load generator too."""
    agent.watch(LOAD, pid)
