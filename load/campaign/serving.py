"""The servers and the users of a campaign: started together, stopped together, whatever happens in between.

Its rule: servers are fresh, and none outlives the round or the flame graph that it was started for.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from errors import UserError
from load.campaign.readiness import check_ready
from load.campaign.recordings import SampleLog
from load.campaign.settings import Settings
from load.context import LoadContext
from load.errors import PeerLostError
from load.users.locust_users import DownloadUser
from load.workers.recruit import pool_for
from load.workers.samples import WORKER
from profiles.protocol import Facts, Profiler, Start
from profiles.store.run_folder import RunFolder

Classes = Mapping[str, type[DownloadUser]]  # by the name under which a mode is measured


class Serving:
    """congestion: the congestion control that each server reported. cpu_probes_us: of each mode, before its start and
    after its end. last_stderr_lines: of servers that did not end as they should. rate_bytes_per_s: offered to every
    mode from now on; None for saturated. keep_samples: whether samples over time are written."""

    def __init__(
        self, context: LoadContext, settings: Settings, folder: RunFolder, facts: Facts, keep_samples: bool = True
    ) -> None:
        self.agent = context.agent
        self.pool = pool_for(context.environment, settings.workers)
        self.samples = SampleLog(context.agent, folder)
        self.congestion: dict[str, str] = {}
        self.cpu_probes_us: dict[str, float | None] = {}
        self.last_stderr_lines: dict[str, str] = {}
        self.rate_bytes_per_s: int | None = None
        self._context = context
        self._settings = settings
        self._facts = facts
        self._keep_samples = keep_samples
        self._watched: tuple[int, ...] = ()
        self._were_ready: set[str] = set()

    @contextlib.contextmanager
    def served(self, names: Sequence[str], profiler: Profiler = None) -> Iterator[Classes]:
        """Fresh servers of these modes, each ready; at the end they are stopped, and samples are written. The first one
        of each mode shows by a download that it serves the file; of later ones the warm-up tells."""
        classes: dict[str, type[DownloadUser]] = {}
        try:
            classes.update(self._start(names, profiler))
            for name in classes.keys() - self._were_ready:
                self._check_ready(classes[name])
                self._were_ready.add(name)
            yield classes
        except PeerLostError:
            with contextlib.suppress(PeerLostError):  # a lost agent ends its servers with the lease
                self.agent.stop_all(tuple(classes))
            raise
        except BaseException:
            self._end(classes)
            raise
        self._end(classes)

    @contextlib.contextmanager
    def loaded(self, classes: Classes, users: int, *, gated: bool = True) -> Iterator[None]:
        """Users of each mode, until the end; gated ones wait for their slices."""
        try:
            self.pool.start(tuple(classes.values()), users, self.rate_bytes_per_s, gated=gated)
            if self.pool.pids != self._watched:  # also those that replaced others
                self._watched = self.pool.pids
                for number, pid in enumerate(self._watched, 1):
                    self.agent.watch(f"{WORKER}{number}", pid)
            yield
        finally:
            self.pool.stop()

    def last_words(self, name: str) -> str:
        """Why a server has ended; empty for one that runs."""
        status = next(status for status in self.agent.statuses() if status.name == name)
        return "" if status.state == "running" else status.last_stderr_line or "it wrote no error message"

    def clear(self) -> None:
        self.pool.stop()

    def recover(self) -> None:
        """Wait until the lost agent and workers are back. Raises UserError when they do not come back."""
        self.pool.recover()
        self.agent.recover()

    def _start(self, names: Sequence[str], profiler: Profiler) -> Iterator[tuple[str, type[DownloadUser]]]:
        settings = self._settings
        wanted = [self._wanted(name, profiler) for name in names]
        for name, status in zip(names, self.agent.start_all(wanted), strict=True):
            self.congestion[name], self.cpu_probes_us[name] = status.congestion_control, status.cpu_probe_us
            user_class = self._context.user_class(name)
            user_class.address = (status.host, status.port)
            user_class.sink = settings.sink
            user_class.expected_bytes = user_class.own_bytes or self._facts.file.size_bytes
            yield name, user_class

    def _wanted(self, name: str, profiler: Profiler) -> Start:
        settings = self._settings
        variant = settings.variants[name]
        any_port = settings.any_port or not variant.is_plain  # the mode itself may have its own
        cpus = settings.placement.server_cpus
        return Start(variant.mode, dict(variant.options), any_port, profiler, cpus, name)

    def _check_ready(self, user_class: type[DownloadUser]) -> None:
        with contextlib.closing(user_class.connection(lambda _: None)) as connection:
            try:
                check_ready(connection, user_class)
            except UserError:
                self.agent.statuses()  # raises the better reason, where the whole host was lost
                raise

    def _end(self, names: Iterable[str]) -> None:
        for status in self.agent.stop_all(tuple(names)):
            if status.last_stderr_line:
                self.last_stderr_lines[status.name] = status.last_stderr_line
            probes = (self.cpu_probes_us[status.name], status.cpu_probe_us)
            self.cpu_probes_us[status.name] = max((us for us in probes if us is not None), default=None)
        if self._keep_samples:
            self.samples.write()
