"""Records loads that somebody starts by hand: in Locust's UI, on its command line, or on the live page.

Its rule: every load is recorded, except in a campaign, which keeps its own records. A load that cannot be recorded, or
was asked for a choice that does not exist, does not start.
"""

import contextlib
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gevent import GreenletExit
from locust.env import Environment
from locust.exception import StopTest
from locust.runners import LocalRunner, MasterRunner, Runner, WorkerRunner

from errors import UsageError, UserError
from load.agent.options import given_options
from load.interactive.idle_servers import IdleServers
from load.interactive.recorded_load import ManualLoad, RecordedLoad
from load.users.connection import SINKS
from load.users.locust_users import DownloadUser
from load.users.pacing import manual_rate


class LocustLoads:
    """current: the load that is being recorded. on_end: called with the name of each run that was saved. trouble: why
    the last load did not start, or was not recorded."""

    def __init__(self, user_classes: dict[str, type[DownloadUser]]) -> None:
        self._user_classes = user_classes
        self._idle_servers: IdleServers | None = None
        self._runs_folder = Path()
        self.on_end: Callable[[str], None] = _print_run_name
        self.in_campaign = False
        self.current: RecordedLoad | None = None
        self.trouble: str | None = None

    def record(self, idle_servers: IdleServers, runs_folder: Path) -> None:
        self._idle_servers, self._runs_folder = idle_servers, runs_folder

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
        for user_class in self._user_classes.values():
            user_class.sink = sink
            user_class.meter.reset()
            if rate is not None and not user_class.expected_bytes:
                raise UserError("an empty file cannot be offered at a rate: give a size like 1MiB")
            user_class.offer(rate, max(1, users // max(1, len(chosen))))
        if self._idle_servers is not None and not isinstance(environment.runner, WorkerRunner):
            modes = tuple(one.target for one in self._user_classes.values() if one.target in chosen)
            in_workers = isinstance(environment.runner, MasterRunner)
            asked = ManualLoad(modes, users, sink, rate, in_workers, given_options(options))
            self.current = RecordedLoad(self._idle_servers, self._runs_folder, asked)

    def on_stopping(self, environment: Environment, **_: Any) -> None:
        if self.current is not None:
            with self._reported():
                self.current.close_window(environment.runner.user_count if environment.runner else 0)

    def on_stop(self, **_: Any) -> None:
        current, self.current = self.current, None
        if current is None:
            return
        with self._reported():
            self.trouble = current.trouble
            if current.end() is not None:
                self.on_end(current.folder.path.name)

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        """Report an error instead of raising it: a record that cannot be written must not keep a load from ending."""
        try:
            yield
        except UserError as error:
            self.trouble = str(error)
            print(f"error: {error}", file=sys.stderr)


def check_pace(text: str, runner: Runner | None) -> int | None:
    """Bytes per second for each mode; None for saturated. Raises UserError."""
    rate = manual_rate(text)
    if rate is not None and not isinstance(runner, LocalRunner):
        raise UserError("only a single process can keep a pace: start Locust without workers, or use saturated")
    return rate


def _print_run_name(run: str) -> None:
    print(f"saved as run {run}: `make report RUN={run}` builds its report", file=sys.stderr)
