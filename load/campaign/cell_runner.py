"""One cell at a time: a fresh server, users, a window, and everything stopped again.

Its rule: a cell is a fresh server process, a readiness probe, a discarded warm-up, a measured window and a stop, and
only the server under measurement runs (docs/method.md §2). The window of a cold cell is one download by one user,
because bytes that are read twice come from the page cache.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace

import gevent

from errors import UserError
from load.campaign.cell import Window, measure, smaller_share
from load.campaign.readiness import check_ready, download_once
from load.campaign.recordings import SampleLog, save_flame_graph, wait_for_recording
from load.campaign.settings import Settings
from load.campaign.window_edges import boundary, local_boundaries
from load.context import LoadContext
from load.errors import PeerLostError
from load.users.locust_users import DownloadUser
from load.users.meter import Meter
from load.workers.recruit import pool_for
from load.workers.samples import WORKER
from profiles.protocol import Facts, Profiler, Start
from profiles.store.records import Cell, DeepProfile, Profile
from profiles.store.run_folder import RunFolder

MAX_WINDOWS_WAITED, MIN_WAIT_S = 3, 2.0
CYCLE_POLL_S = 0.01
LOSS_POLL_S = 0.5

Position = tuple[int, int]  # round and position in it, both from 1


class CellRunner:
    """Measures cells. congestion: the congestion control that each server reported. rate_bytes_per_s: offered to every
    mode from now on; None for saturated. last_stderr_lines: of servers that did not end as they should. keep_samples:
    whether samples over time are written."""

    def __init__(
        self, context: LoadContext, settings: Settings, folder: RunFolder, facts: Facts, keep_samples: bool = True
    ) -> None:
        self._context = context
        self._agent = context.agent
        self._pool = pool_for(context.environment, settings.workers)
        self._settings = settings
        self._folder = folder
        self._facts = facts
        self._keep_samples = keep_samples
        self._samples = SampleLog(context.agent, folder)
        self._watched: tuple[int, ...] = ()
        self._cpu_probe_us: float | None = None
        self.congestion: dict[str, str] = {}
        self.last_stderr_lines: dict[str, str] = {}
        self.rate_bytes_per_s: int | None = None

    def score(self, position: Position, mode: str, users: int) -> Cell:
        """A cell with no profiler attached. Raises UserError."""
        cold = self._settings.cache == "cold"
        cell, share = self._cold(position, mode) if cold else self._warm(position, mode, users)
        return replace(cell, metrics=cell.metrics | {"resident_share": share, "cpu_probe_us": self._cpu_probe_us})

    def _warm(self, position: Position, mode: str, users: int) -> tuple[Cell, float | None]:
        """The cell, and the share of the file in the page cache, before or after it: the smaller one.

        Absent pages are read in first: another cell lost them, and shows it.
        """
        resident = self._agent.warm().resident_share
        with self._loaded(mode, users, profiler=None):
            cell = self._window(position, mode, self._settings.window_s, cycle=users)
        return cell, smaller_share(resident, self._agent.file_state().resident_share)

    def _cold(self, position: Position, mode: str) -> tuple[Cell, float | None]:
        """The cell, and the share of the file that was still in the page cache before it."""
        with self._served(mode, profiler=None) as user_class:
            meter = user_class.meter
            with contextlib.closing(user_class.connection(meter.add_bytes)) as connection:
                check_ready(connection, user_class)  # the discarded warm-up, over the measured connection
                share = self._agent.drop().resident_share
                (first,) = local_boundaries(self._agent, [meter])
                meter.reset()
                download_once(connection, user_class)
                (last,) = local_boundaries(self._agent, [meter])
                return self._cell(position, mode, (first, last), meter), share

    def profile(self, position: int, mode: str) -> Profile:
        """One mode under the same load with py-spy attached; never scored (docs/method.md §1)."""
        settings = self._settings
        with self._loaded(mode, settings.users, "py-spy"):
            self._agent.record(mode, settings.profile_s)
            cell = self._window((0, position), mode, settings.profile_s)
            recording = wait_for_recording(self._agent, mode, 0.0)
        return save_flame_graph(self._folder, cell, recording)

    def deep_profile(self, position: int, mode: str) -> DeepProfile:
        """The same with perf, attached before there are connections. Its Python frames may come from the py-spy pass
        just before (profiles/profilers/folded_stacks.py)."""
        settings = self._settings
        with self._loaded(mode, settings.users, "perf"):
            self._agent.record(mode, settings.profile_s)
            refused = self._agent.recording(mode)
            if refused.state == "failed":
                return DeepProfile(mode, None, None, reason=refused.reason)
            cell = self._window((0, position), mode, settings.profile_s)
            recording = wait_for_recording(self._agent, mode, 0.0)
        if recording.state == "failed":
            return DeepProfile(mode, cell, None, reason=recording.reason)
        self._folder.write_file(f"{mode}.folded", recording.raw.encode())
        facts = (recording.rate_hz, recording.counted_s, recording.python)
        return DeepProfile(mode, cell, f"{mode}.folded", *facts)

    def clear(self) -> None:
        self._pool.stop()

    def recover(self) -> None:
        """Wait until the lost agent and workers are back. Raises UserError when they do not come back."""
        self._pool.recover()
        self._agent.recover()

    @contextlib.contextmanager
    def _loaded(self, mode: str, users: int, profiler: Profiler) -> Iterator[type[DownloadUser]]:
        """A fresh server under load, warmed up; both are stopped at the end."""
        with self._served(mode, profiler) as user_class:
            try:
                self._pool.start(user_class, users, self.rate_bytes_per_s)
                if self._pool.pids != self._watched:  # also those that replaced others
                    self._watched = self._pool.pids
                    for number, pid in enumerate(self._watched, 1):
                        self._agent.watch(f"{WORKER}{number}", pid)
                gevent.sleep(self._settings.warm_up_s)
                yield user_class
            finally:
                self._pool.stop()

    @contextlib.contextmanager
    def _served(self, mode: str, profiler: Profiler) -> Iterator[type[DownloadUser]]:
        """A fresh server that is ready; at the end it is stopped, and samples are written."""
        settings = self._settings
        user_class = self._context.user_class(mode)
        target, cpus = settings.mode_of(mode), settings.placement.server_cpus
        any_port = settings.any_port or mode != target
        status = self._agent.start(Start(target, settings.options_of(mode), any_port, profiler, cpus, mode))
        self.congestion[mode] = status.congestion_control
        self._cpu_probe_us = status.cpu_probe_us
        try:
            user_class.address = (status.host, status.port)
            user_class.sink = settings.sink
            user_class.expected_bytes = user_class.own_bytes or self._facts.file.size_bytes
            self._check_ready(user_class)
            yield user_class
        except PeerLostError:
            with contextlib.suppress(PeerLostError):  # a lost agent ends its servers with the lease
                self._agent.stop(mode)
            raise
        except BaseException:
            self._end(mode)
            raise
        self._end(mode)

    def _end(self, mode: str) -> None:
        status = self._agent.stop(mode)
        if status.last_stderr_line:
            self.last_stderr_lines[mode] = status.last_stderr_line
        probes = (self._cpu_probe_us, status.cpu_probe_us)
        self._cpu_probe_us = max((us for us in probes if us is not None), default=None)
        if self._keep_samples:
            self._samples.write()

    def _check_ready(self, user_class: type[DownloadUser]) -> None:
        with contextlib.closing(user_class.connection(lambda _: None)) as connection:
            try:
                check_ready(connection, user_class)
            except UserError:
                self._agent.statuses()  # raises the better reason, where the whole host was lost
                raise

    def _window(self, position: Position, mode: str, seconds: float, cycle: int = 0) -> Cell:
        """A window of at least this length, which begins and ends with a cycle of downloads. cycle: one per user.

        A mode that reads a whole file before it sends pays for bytes that arrive later, and users who began together
        stay in step for long. A window that cuts a cycle counts too much of either: with cut cycles, read-whole cost
        0.62 s/GiB in windows of 0.65 s, 0.72 in windows of 2 s and 0.67 in windows of 6 s.
        """
        self._finish_cycle(cycle, seconds)
        first = boundary(self._agent, self._pool, "begin")
        self._let_pass(seconds)
        self._finish_cycle(cycle, seconds)
        last = boundary(self._agent, self._pool, "end")
        return self._cell(position, mode, (first, last), self._pool.meter)

    def _finish_cycle(self, cycle: int, seconds: float) -> None:
        """Wait until another cycle is complete, but no longer than MAX_WINDOWS_WAITED windows or MIN_WAIT_S."""
        deadline_s = time.monotonic() + max(MAX_WINDOWS_WAITED * seconds, MIN_WAIT_S)
        finished = self._downloads() // cycle if cycle else 0
        while cycle and self._downloads() // cycle == finished and time.monotonic() < deadline_s:
            gevent.sleep(CYCLE_POLL_S)

    def _downloads(self) -> int:
        return sum(count.downloads for count in self._pool.counts())

    def _let_pass(self, seconds: float) -> None:
        """Raises PeerLostError as soon as a loss makes the window void."""
        ends_s = time.monotonic() + seconds
        while (left_s := ends_s - time.monotonic()) > 0:
            gevent.sleep(min(left_s, LOSS_POLL_S))
            self._agent.check()
            self._pool.check()

    def _cell(self, position: Position, mode: str, window: Window, meter: Meter) -> Cell:
        first, last = window
        if mode not in last.snapshot.processes:
            status = next(status for status in self._agent.statuses() if status.name == mode)
            why = status.last_stderr_line or "it wrote no error message"
            raise UserError(f"{mode}'s server ended in the middle of a cell: {why}; the rounds before are kept")
        started_s = first.moment_s - self._samples.began_s
        cell = measure(position, mode, started_s, window, meter, self._facts.metrics)
        rate = self.rate_bytes_per_s
        return replace(cell, offered_bytes=None if rate is None else round(rate * cell.wall_s))
