"""Keeps the history fresh, in a greenlet of its own: asks the agent twice a second, so that a request costs nothing.

Its rule: the users are counted right after the agent was asked, so that each of its samples lies between two counts.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress

import gevent
from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner

from errors import UserError
from load.agent.client import AgentClient
from load.errors import PeerLostError
from load.interactive.idle_servers import IdleServers
from load.interactive.locust_events import LocustLoads
from load.web.point_history import PointHistory
from load.web.rates import Counts, Point, Rates, ticks
from load.workers.samples import WORKER, merge_worker_samples
from profiles.protocol import LOAD, TargetStatus, TimedSample

REFRESH_S = 0.5
RECENT_POINTS = 4


class Poller:
    """recent: the newest points. statuses: how the servers were. trouble: why nothing new is known, None if all is
    well."""

    def __init__(
        self, environment: Environment, agent: AgentClient, idle_servers: IdleServers, locust_loads: LocustLoads
    ) -> None:
        self._environment = environment
        self._loads = locust_loads
        self._agent = agent
        self._idle_servers = idle_servers
        self._rates = Rates()
        self._after = agent.newest_sample()
        self._counted = self._counts()
        self.history = PointHistory(time.time() - time.monotonic())
        self.recent: deque[Point] = deque(maxlen=RECENT_POINTS)
        self.statuses: list[TargetStatus] = []
        self.trouble: str | None = None

    def start(self) -> None:
        gevent.spawn(self._keep_fresh)

    def _keep_fresh(self) -> None:
        while True:
            try:
                self.refresh()
                self.trouble = None
            except PeerLostError as lost:
                self.trouble = str(lost)
                self._get_back()
            except UserError as error:
                self.trouble = str(error)
            gevent.sleep(REFRESH_S)

    def _get_back(self) -> None:
        """An agent elsewhere may have been started anew, and has no servers then. A campaign sees to that itself."""
        if not self._loads.in_campaign:
            with suppress(UserError):  # not yet: the next refresh comes here again
                self._agent.recover()
                self._idle_servers.start_all()

    def waited_for_a_child(self) -> None:
        """The CPU time of a process that this one has started, and that is over, is not the load's."""
        self._rates.forget(LOAD, time.monotonic())

    def refresh(self) -> None:
        """Ask the agent once. Raises UserError when it does not answer."""
        fresh = self._agent.samples(self._after)
        self._after = fresh.last
        before, self._counted = self._counted, self._counts()
        for tick in ticks(self._known(fresh.samples)):
            point = self._rates.point(tick, before, self._counted)
            self.history.add(point)
            self.recent.append(point)
        self.statuses = self._idle_servers.statuses()

    def _known(self, samples: Sequence[TimedSample]) -> list[TimedSample]:
        """Without the load's where only the master of workers is seen, who has nothing to do: then it is not known."""
        workers = any(sample.process.startswith(WORKER) for sample in samples)
        whole = workers or not isinstance(self._environment.runner, MasterRunner)
        return [sample for sample in merge_worker_samples(samples) if whole or sample.process != LOAD]

    def _counts(self) -> Counts:
        received = {mode: self._idle_servers.meter(mode).received_bytes for mode in self._idle_servers.modes}
        return Counts(time.monotonic(), received, dict(self._users()))

    def _users(self) -> Iterator[tuple[str, int]]:
        """How many users each target has now."""
        runner = self._environment.runner
        counts = {}
        if isinstance(runner, LocalRunner):
            counts = runner.user_classes_count
        elif isinstance(runner, MasterRunner):
            counts = runner.reported_user_classes_count
        for mode in self._idle_servers.modes:
            yield mode, counts.get(self._idle_servers.user_class(mode).__name__, 0)
