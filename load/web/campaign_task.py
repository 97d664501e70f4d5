"""A campaign that was begun from the page: the same as `make load`, with the standing servers out of the way.

Its rule: whatever happens, the servers stand again afterwards, and what was complete is kept.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Literal

import gevent
from locust.env import Environment

from errors import UserError
from load.agent.client import AgentClient
from load.campaign.cpu_pinning import between_machines, pin_this_process
from load.campaign.run_campaigns import carry_out, expected_s
from load.campaign.settings import Settings
from load.interactive.idle_servers import IdleServers
from load.interactive.locust_events import LocustLoads
from load.process import campaign_lock
from load.users.locust_users import DownloadUser
from load.web.interim_verdict import Interim, interim_verdict
from profiles.store.run_folder import RUN_FILE, RunFolder


@dataclass(slots=True)
class Progress:
    """Of the newest campaign. left_s: of the plan, about; None when it is over. error: why it could not go on."""

    run: str
    state: Literal["running", "done", "failed", "stopped"] = "running"
    text: str = "getting ready"
    done_s: float = 0.0
    expected_s: float = 0.0
    left_s: float | None = None
    error: str = ""
    found: Interim | None = None


class Campaigns:
    """users: by class name. on_end: told the name of each run that has a complete record."""

    def __init__(
        self,
        environment: Environment,
        user_classes: dict[str, type[DownloadUser]],
        agent: AgentClient,
        idle_servers: IdleServers,
        locust_loads: LocustLoads,
        on_end: Callable[[str], None],
    ) -> None:
        self._environment = environment
        self._users = user_classes
        self._agent = agent
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
        """In a greenlet of its own. prepare: what must be done before it. Raises UserError when the run exists."""
        folder.refuse_existing()
        self.newest = Progress(folder.path.name, expected_s=expected_s(settings, folder))
        self._began_s = time.monotonic()
        self._greenlet = gevent.spawn(self._run, settings, folder, prepare, self.newest)

    def stop(self) -> None:
        """End it; the rounds that are complete are kept."""
        if self._greenlet is not None:
            self._greenlet.kill()

    def close(self) -> None:
        """End it, because everything ends: no server is started again."""
        self._closing = True
        self.stop()

    def _run(self, settings: Settings, folder: RunFolder, prepare: Callable[[], None], progress: Progress) -> None:
        try:
            prepare()
            with campaign_lock(settings.any_port), self._cleared(settings) as placed:
                carry_out(self._environment, self._users, self._agent, placed, folder, self._reporter(folder, progress))
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
    def _cleared(self, settings: Settings) -> Iterator[Settings]:
        """Without the standing servers, and on the load's own CPUs; both as before at the end."""
        cpus = os.sched_getaffinity(0)
        chatty = logging.getLogger("locust.runners")  # two lines at each start of users, so at each cell
        level = chatty.level
        chatty.setLevel(logging.WARNING)
        self._loads.in_campaign = True
        ticked, self._environment.user_classes = self._environment.user_classes, list(self._users.values())
        try:
            self._idle_servers.stop_all()
            placement = between_machines(settings.placement) if self._agent.apart else settings.placement
            yield replace(settings, placement=pin_this_process(placement))
        finally:
            chatty.setLevel(level)
            os.sched_setaffinity(0, cpus)
            self._environment.user_classes = ticked
            for user_class in self._users.values():
                user_class.offer(None)
            if not self._closing:
                self._start_again()
            self._loads.in_campaign = False

    def _start_again(self) -> None:
        if self.newest is not None:
            self.newest.text = "starting the servers again"
        with suppress(UserError):  # the agent has ended, which the page says
            self._idle_servers.start_all()

    def _reporter(self, folder: RunFolder, progress: Progress) -> Callable[[float, str], None]:
        def report(done_s: float, text: str) -> None:
            progress.text = text if done_s == 0 else progress.text
            progress.done_s += done_s
            progress.left_s = self._left_s(progress)
            if done_s:
                progress.found = interim_verdict(folder.paced) or interim_verdict(folder)

        return report

    def _left_s(self, progress: Progress) -> float:
        """What is left of the plan, at the pace of what was done."""
        left_s = max(0.0, progress.expected_s - progress.done_s)
        took_s = time.monotonic() - self._began_s
        return left_s * (took_s / progress.done_s if progress.done_s > 0 else 1.0)
