"""Follows Locust's own start and stop, whoever gave the word: its UI, its command line, or our page.

Its rule: every load is recorded, unless a campaign is in charge, which keeps records of its own. A load that cannot be
recorded, or was asked for something that there is not, does not start.
"""

import contextlib
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gevent import GreenletExit
from locust.env import Environment
from locust.exception import StopTest
from locust.runners import LocalRunner, MasterRunner, Runner, WorkerRunner

from errors import UsageError, UserError
from load.agent.client import AgentClient
from load.agent.options import as_given
from load.interactive.idle_servers import IdleServers
from load.interactive.recorded_load import RecordedLoad
from load.users.connection import SINKS
from load.users.locust_users import DownloadUser
from load.users.pacing import Pace, manual_rate


class LocustLoads:
    """current: the load that is being recorded. on_end: is told the folder of each run that was kept."""

    def __init__(self, user_classes: dict[str, type[DownloadUser]], on_end: Callable[[Path], None]) -> None:
        self._users = user_classes
        self.on_end = on_end
        self._where: tuple[AgentClient, IdleServers, Path] | None = None
        self.in_campaign = False
        self.current: RecordedLoad | None = None
        self.trouble: str | None = None

    def record(self, agent: AgentClient, idle_servers: IdleServers, profiles: Path) -> None:
        """From now on, into folders below profiles."""
        self._where = (agent, idle_servers, profiles)

    def on_start(self, environment: Environment, **_: Any) -> None:
        """The UI does not check choices, so they are checked here."""
        if self.in_campaign:
            return
        environment.process_exit_code = None
        self.trouble = None
        try:
            self._begin(environment)
        except UserError as error:
            self.trouble = str(error)
            print(f"error: {error}", file=sys.stderr)
            environment.process_exit_code = error.exit_code
            # In the UI the starting greenlet just ends: any other exception would be printed as a crash, twice.
            raise (StopTest if environment.web_ui is None else GreenletExit) from None

    def _begin(self, environment: Environment) -> None:
        options = environment.parsed_options
        assert isinstance(options, Namespace)
        sink = getattr(options, "sink", None)
        if sink not in SINKS:
            raise UsageError(f"{sink!r} is not a sink: choose one of {', '.join(SINKS)}")
        rate = check_pace(options.pace, environment.runner)
        chosen = {one.target: one for one in environment.user_classes if issubclass(one, DownloadUser)}
        users = int(options.num_users or 1)
        for user_class in self._users.values():
            user_class.sink = sink
            user_class.meter.reset()
            user_class.offer(None if rate is None else _pace(rate, user_class, users // max(1, len(chosen))))
        if self._where is not None and not isinstance(environment.runner, WorkerRunner):
            modes = tuple(user_class.target for user_class in self._users.values() if user_class.target in chosen)
            by_workers = isinstance(environment.runner, MasterRunner)
            self.current = RecordedLoad(*self._where, modes, users, sink, rate, by_workers, as_given(options))

    def on_stopping(self, environment: Environment, **_: Any) -> None:
        if self.current is not None:
            with self._explained():
                self.current.close_window(environment.runner.user_count if environment.runner else 0)

    def on_stop(self, **_: Any) -> None:
        current, self.current = self.current, None
        if current is None:
            return
        with self._explained():
            self.trouble = current.trouble
            try:
                kept = current.end() is not None
            except UserError as error:
                current.fail(str(error))
                raise
            if kept:
                self.on_end(current.folder.path)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """A load that ends is not kept from ending by a record that cannot be written: the reason is said instead."""
        try:
            yield
        except UserError as error:
            self.trouble = str(error)
            print(f"error: {error}", file=sys.stderr)


def check_pace(text: str, runner: Runner | None) -> int | None:
    """Bytes per second for each mode; None for as fast as it goes. Raises UserError."""
    rate = manual_rate(text)
    if rate is not None and not isinstance(runner, LocalRunner):
        raise UserError("a pace is kept by one process: start Locust without workers, or leave it saturated")
    return rate


def _pace(rate_bytes_per_s: int, user_class: type[DownloadUser], users: int) -> Pace:
    """From now on. users: of this class. Raises UserError where there is nothing to offer."""
    if not user_class.expected_bytes:
        raise UserError("an empty file cannot be offered at a rate: give a size like 1MiB")
    return Pace(rate_bytes_per_s, user_class.expected_bytes, max(1, users), time.perf_counter())
