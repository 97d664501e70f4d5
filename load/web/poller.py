"""Asks the agent for samples twice a second, in a greenlet of its own, so that a browser's request costs little.

Its rule: users are counted right after the agent was asked, so that each of its samples lies between two counts. A
campaign is one point per round: its modes take turns that are shorter than the time between two samples.
"""

import time
import traceback
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

import gevent
from locust.runners import MasterRunner

from errors import UserError
from load.context import LoadContext
from load.errors import PeerLostError
from load.interactive.idle_servers import IdleServers
from load.interactive.locust_events import LocustLoads
from load.interactive.user_counts import running_users
from load.web.point_history import PointHistory, mean
from load.web.rates import MACHINE_COLUMNS, Counts, Point, Rates, round_point, ticks
from load.workers.samples import WORKER, merge_worker_samples
from profiles.open_metrics import Family, families_of, text_of
from profiles.protocol import LOAD, TargetStatus, TimedSample
from profiles.store.records import Cell
from reports.analysis.rounds import Dataset

REFRESH_S = 0.5
RECENT_POINTS = 4
ROUND_POINTS = 120  # of the machine, for its mean over a round
UNKNOWN = (None,) * len(MACHINE_COLUMNS)


class Poller:
    """recent: the newest points. newest: the newest samples, one of each process. statuses: of the servers. trouble:
    why nothing new is known; None if all is well."""

    def __init__(self, context: LoadContext, idle_servers: IdleServers, locust_loads: LocustLoads) -> None:
        self._context = context
        self._idle_servers = idle_servers
        self._loads = locust_loads
        self._rates = Rates()
        self._last_sample = context.agent.newest_sample()
        self._counted = self._counts()
        self.history = PointHistory(time.time() - time.monotonic())
        self.recent: deque[Point] = deque(maxlen=RECENT_POINTS)
        self._in_campaign = False
        self._in_round: deque[Point] = deque(maxlen=ROUND_POINTS)
        self._drawn: Cell | None = None
        self.statuses: list[TargetStatus] = []
        self.newest: Sequence[TimedSample] = ()
        self.trouble: str | None = None

    def start(self) -> None:
        gevent.spawn(self._poll_loop)

    def _poll_loop(self) -> None:
        while True:
            try:
                self._poll()
            except Exception as error:  # noqa: BLE001  # an error of ours: the page says so, and its loop goes on
                self.trouble = f"the bench has an error: {error!r}; it goes on"
                traceback.print_exc()
            gevent.sleep(REFRESH_S)

    def _poll(self) -> None:
        try:
            self.refresh()
            self.trouble = None
        except PeerLostError as lost:
            self.newest = ()
            self.trouble = str(lost)
            self._recover()
        except UserError as error:
            self.newest = ()
            self.trouble = str(error)

    def _recover(self) -> None:
        """Start the servers again: an agent elsewhere may have restarted without them. A campaign does this itself."""
        if not self._loads.in_campaign:
            with suppress(UserError):  # not yet: the next refresh comes here again
                self._context.agent.recover()
                self._idle_servers.start_all()

    def forget_child_cpu(self) -> None:
        """A child process of ours has ended: its CPU time, which the kernel adds to ours, is not the load's."""
        self._rates.forget(LOAD, time.monotonic())

    def refresh(self) -> None:
        """Ask the agent once. Raises UserError when it does not answer."""
        fresh = self._context.agent.samples(self._last_sample)
        self._last_sample = fresh.last
        before, self._counted = self._counted, self._counts()
        known = self._known(fresh.samples)
        self.newest = [sample for sample in known if sample.monotonic_s == known[-1].monotonic_s] or self.newest
        for tick in ticks(known):
            point = self._rates.point(tick, before, self._counted)
            if self._in_campaign != self._loads.in_campaign:
                self._in_campaign = self._loads.in_campaign
                self._in_round.clear()
                self.history.add_round(Point(point.moment_s, {}, UNKNOWN))  # no line leads in or out
            if self._in_campaign:
                self._in_round.append(point)
            else:
                self.history.add(point)
                self.recent.append(point)
        self.statuses = self._idle_servers.statuses()

    def open_metrics(self) -> str:
        """The newest samples, with the users and the bytes that they received, for Prometheus. Raises UserError where
        the agent names a metric that cannot be one."""
        counts, metrics = self._counts(), self._idle_servers.facts.metrics
        own = (
            Family("received_bytes", "counter", "what users received from this server", counts.received_bytes),
            Family("users", "gauge", "users that load this server", counts.users),
        )
        return text_of((*families_of(self.newest, metrics), *own))

    def add_round(self, dataset: Dataset) -> None:
        """The point of the newest round of a campaign, unless the round was lost."""
        newest = dataset.cells[-1] if dataset.cells else None
        if newest is None or newest == self._drawn:
            return
        cells = [cell for cell in dataset.cells if cell.round == newest.round]
        machine = mean(self._in_round).machine if self._in_round else UNKNOWN
        point = round_point(time.monotonic(), cells, dataset.run.users, machine)
        self._in_round.clear()
        self._drawn = newest
        self.history.add_round(point)
        self.recent.append(point)

    def _known(self, samples: Sequence[TimedSample]) -> list[TimedSample]:
        """Leave out the load where only an idle master is sampled and its workers are not: then the load is unknown."""
        workers = any(sample.process.startswith(WORKER) for sample in samples)
        whole = workers or not isinstance(self._context.environment.runner, MasterRunner)
        return [sample for sample in merge_worker_samples(samples) if whole or sample.process != LOAD]

    def _counts(self) -> Counts:
        by_class = running_users(self._context.environment.runner)
        classes = {user_class.target: user_class for user_class in self._context.user_classes.values()}
        received = {mode: user_class.meter.received_bytes for mode, user_class in classes.items()}
        users = {mode: by_class.get(user_class.__name__, 0) for mode, user_class in classes.items()}
        return Counts(time.monotonic(), received, users)
