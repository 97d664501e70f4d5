"""A campaign that was begun on the live page: the same as `make load`, while the idle servers are stopped.

Its rule: whatever happens, the idle servers run again afterwards, and complete rounds are kept.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Literal

import gevent
from locust.user.users import User

from errors import UserError
from load.campaign.cpu_pinning import pin_this_process
from load.campaign.interim_verdict import Interim, interim_verdict, verdict_of
from load.campaign.options import without_interval
from load.campaign.progress import Progress, Report
from load.campaign.run_campaigns import run_campaigns
from load.campaign.settings import Settings
from load.context import LoadContext
from load.interactive.idle_servers import IdleServers
from load.interactive.locust_events import LocustLoads
from machine_lock import campaign_lock
from profiles.store.run_folder import RUN_FILE, RunFolder
from reports.analysis.rounds import Dataset

State = Literal["running", "done", "failed", "stopped"]
Before = tuple[set[int], list[type[User]]]  # CPUs of this process, and chosen classes


@dataclass(slots=True)
class CampaignState:
    """How far a campaign is. left_s: about; None when it is over. error: why it failed. found: its verdicts so far.
    warning: what is known of its rounds before they run."""

    run: str
    state: State = "running"
    step: str = "getting ready"
    done_share: float = 0.0
    left_s: float | None = None
    error: str = ""
    found: Interim | None = None
    warning: str = ""


class CampaignTask:
    """newest: the campaign that was begun last. on_round: called with all that is measured, after each round. on_end:
    called with the name of each run that has a record."""

    def __init__(
        self,
        context: LoadContext,
        idle_servers: IdleServers,
        locust_loads: LocustLoads,
        on_round: Callable[[Dataset], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._context = context
        self._idle_servers = idle_servers
        self._loads = locust_loads
        self._on_round = on_round
        self._on_end = on_end
        self._greenlet: gevent.Greenlet | None = None
        self._measuring: gevent.Greenlet | None = None
        self._closing = False
        self.newest: CampaignState | None = None

    @property
    def running(self) -> bool:
        return self._greenlet is not None and not self._greenlet.dead

    def begin(self, settings: Settings, folder: RunFolder, prepare: Callable[[], None]) -> None:
        """Begin, in a greenlet. prepare: called before the campaign. Raises UserError when the run exists."""
        folder.refuse_existing()
        self.newest = state = CampaignState(folder.path.name, warning=without_interval(settings) or "")
        self._measuring = gevent.spawn(self._measure, settings, folder, prepare, state)
        before = os.sched_getaffinity(0), self._context.environment.user_classes
        self._greenlet = gevent.spawn(self._follow, self._measuring, before, folder, state)

    def stop(self) -> None:
        """Stop measuring, and return when all is tidy again, however often this is called."""
        if self._measuring is not None:
            measuring, self._measuring = self._measuring, None  # a second kill would hit its cleaning up
            measuring.kill(block=False)
        if self._greenlet is not None:
            self._greenlet.join()

    def close(self) -> None:
        """End it for good: no server is started again."""
        self._closing = True
        self.stop()

    def _follow(self, measuring: gevent.Greenlet, before: Before, folder: RunFolder, state: CampaignState) -> None:
        """Nobody kills this greenlet: it tidies up after the one that measures."""
        measuring.join()
        try:
            self._tidy_up(before, folder, state)
        finally:  # last: whoever sees that it has ended finds all in order
            self._loads.in_campaign = False
            state.left_s = None
            state.state, state.error = _outcome(measuring)

    def _tidy_up(self, before: Before, folder: RunFolder, state: CampaignState) -> None:
        cpus, self._context.environment.user_classes = before
        os.sched_setaffinity(0, cpus)
        for user_class in self._context.user_classes.values():
            user_class.offer(None, 0)
        if not self._closing:
            state.step = "starting the servers again"
            with suppress(UserError):  # the agent has ended, which the page shows
                self._idle_servers.start_all()
        with suppress(UserError):  # records that cannot be read: the report says so
            state.found = verdict_of(folder) or state.found
        if (folder.path / RUN_FILE).exists() and not self._closing:
            self._on_end(folder.path.name)

    def _measure(self, settings: Settings, folder: RunFolder, ready: Callable[[], None], state: CampaignState) -> str:
        """Why it failed; empty where it did not."""
        try:
            ready()
            with campaign_lock(folder.path.name), _quiet_locust():
                run_campaigns(self._context, self._alone(settings), folder, self._reporter(state))
        except UserError as error:
            return str(error)
        return ""

    def _alone(self, settings: Settings) -> Settings:
        """Stop the idle servers and pin this process to the load's CPUs."""
        self._loads.in_campaign = True
        self._context.environment.user_classes = list(self._context.user_classes.values())
        self._idle_servers.stop_all()
        placement = pin_this_process(settings.placement, self._context.agent.on_other_machine)
        return replace(settings, placement=placement)

    def _reporter(self, state: CampaignState) -> Report:
        def report(progress: Progress) -> None:
            state.step, state.done_share, state.left_s = progress.step, progress.done_share, progress.left_s
            if progress.dataset is not None:
                state.found = interim_verdict(progress.dataset)
                self._on_round(progress.dataset)

        return report


def _outcome(measuring: gevent.Greenlet) -> tuple[State, str]:
    """Of a greenlet that has ended: the state, and why it failed."""
    if measuring.exception is not None:
        return "failed", f"the bench has an error: {measuring.exception!r}"
    if isinstance(measuring.value, gevent.GreenletExit):
        return "stopped", ""
    return ("failed" if measuring.value else "done"), measuring.value or ""


@contextmanager
def _quiet_locust() -> Iterator[None]:
    """Its runner logs two lines in each cell."""
    logger = logging.getLogger("locust.runners")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
