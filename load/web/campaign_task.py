"""A campaign that was begun on the live page: the same as `make load`, while the idle servers are stopped.

Its rule: whatever happens, the idle servers run again afterwards, and complete rounds are kept.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Literal

import gevent

from errors import UserError
from load.campaign.campaign import Report
from load.campaign.cpu_pinning import pin_this_process
from load.campaign.run_campaigns import expected_s, run_campaigns
from load.campaign.settings import Settings
from load.context import LoadContext
from load.interactive.idle_servers import IdleServers
from load.interactive.locust_events import LocustLoads
from load.process import campaign_lock
from load.web.interim_verdict import Interim, interim_verdict
from profiles.store.run_folder import RUN_FILE, RunFolder


@dataclass(slots=True)
class Progress:
    """How far a campaign is. left_s: about; None when it is over. error: why it failed. found: its verdicts so far."""

    run: str
    state: Literal["running", "done", "failed", "stopped"] = "running"
    text: str = "getting ready"
    done_s: float = 0.0
    expected_s: float = 0.0
    left_s: float | None = None
    error: str = ""
    found: Interim | None = None


class CampaignTask:
    """newest: the campaign that was begun last. on_end: called with the name of each run that has a record."""

    def __init__(
        self,
        context: LoadContext,
        idle_servers: IdleServers,
        locust_loads: LocustLoads,
        on_end: Callable[[str], None],
    ) -> None:
        self._context = context
        self._idle_servers = idle_servers
        self._loads = locust_loads
        self._on_end = on_end
        self._greenlet: gevent.Greenlet | None = None
        self._began_s = 0.0
        self._closing = False
        self.newest: Progress | None = None

    @property
    def running(self) -> bool:
        return self._greenlet is not None and not self._greenlet.dead

    def begin(self, settings: Settings, folder: RunFolder, prepare: Callable[[], None]) -> None:
        """Begin, in a greenlet. prepare: called before the campaign. Raises UserError when the run exists."""
        folder.refuse_existing()
        self.newest = Progress(folder.path.name, expected_s=expected_s(settings, folder))
        self._began_s = time.monotonic()
        self._greenlet = gevent.spawn(self._run, settings, folder, prepare, self.newest)

    def stop(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill()

    def close(self) -> None:
        """End it for good: no server is started again."""
        self._closing = True
        self.stop()

    def _run(self, settings: Settings, folder: RunFolder, prepare: Callable[[], None], progress: Progress) -> None:
        try:
            prepare()
            with campaign_lock(settings.any_port), self._alone(settings, progress) as pinned:
                run_campaigns(self._context, pinned, folder, self._reporter(folder, progress))
            progress.state = "done"
        except UserError as error:
            progress.state, progress.error = "failed", str(error)
        finally:
            if progress.state == "running":
                progress.state = "stopped"
            progress.left_s = None
            if (folder.path / RUN_FILE).exists() and not self._closing:
                self._on_end(folder.path.name)

    @contextmanager
    def _alone(self, settings: Settings, progress: Progress) -> Iterator[Settings]:
        """Stop the idle servers and pin this process to the load's CPUs, until the end."""
        cpus = os.sched_getaffinity(0)
        logger = logging.getLogger("locust.runners")  # logs two lines in each cell
        level = logger.level
        logger.setLevel(logging.WARNING)
        self._loads.in_campaign = True
        environment = self._context.environment
        chosen, environment.user_classes = environment.user_classes, list(self._context.user_classes.values())
        try:
            self._idle_servers.stop_all()
            placement = pin_this_process(settings.placement, self._context.agent.on_other_machine)
            yield replace(settings, placement=placement)
        finally:
            logger.setLevel(level)
            os.sched_setaffinity(0, cpus)
            environment.user_classes = chosen
            for user_class in self._context.user_classes.values():
                user_class.offer(None, 0)
            if not self._closing:
                progress.text = "starting the servers again"
                with suppress(UserError):  # the agent has ended, which the page shows
                    self._idle_servers.start_all()
            self._loads.in_campaign = False

    def _reporter(self, folder: RunFolder, progress: Progress) -> Report:
        def report(done_s: float, text: str) -> None:
            progress.text = text if done_s == 0 else progress.text
            progress.done_s += done_s
            took_s = time.monotonic() - self._began_s
            speed = took_s / progress.done_s if progress.done_s > 0 else 1.0
            progress.left_s = max(0.0, progress.expected_s - progress.done_s) * speed
            if done_s:
                progress.found = interim_verdict(folder.paced) or interim_verdict(folder)

        return report
