"""Records loads that somebody starts by hand: in Locust's UI, on its command line, or on the live page.

Its rule: every load is recorded, except in a campaign, which keeps its own records. A load that cannot be recorded, or
was asked for a choice that does not exist, does not start.
"""

import contextlib
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gevent
from gevent import GreenletExit
from locust.env import Environment
from locust.runners import (
    STATE_INIT,
    STATE_MISSING,
    STATE_STOPPED,
    LocalRunner,
    MasterRunner,
    Runner,
    WorkerRunner,
)
from locust.user.users import User

from errors import UsageError, UserError, suggestion
from load.interactive.chosen_classes import check_users, own_classes
from load.interactive.idle_servers import IdleServers
from load.interactive.recorded_load import ManualLoad, RecordedLoad
from load.interactive.server_costs import ServerCosts
from load.interactive.user_counts import expected_users, running_users
from load.users.connection import SINKS, Sink
from load.users.locust_users import DownloadUser
from load.users.pacing import manual_rate
from profiles.store.files import write_file

AT_REST = (STATE_INIT, STATE_STOPPED, STATE_MISSING)  # states of a runner without users


class LocustLoads:
    """user_classes: ours, by name. recording: whether a load begins, goes on, or is being written. current: that load.
    on_end: called with the name of each run that was saved. trouble: why the last load did not start, or was not
    recorded. costs: of the last."""

    def __init__(self, user_classes: dict[str, type[DownloadUser]]) -> None:
        self.user_classes = user_classes
        self._idle_servers: IdleServers | None = None
        self._runs_folder = Path()
        self.on_end: Callable[[str], None] = _print_run_name
        self.in_campaign = False
        self.recording = False
        self.current: RecordedLoad | None = None
        self.trouble: str | None = None
        self.costs: ServerCosts | None = None

    def record(self, idle_servers: IdleServers, runs_folder: Path) -> None:
        self._idle_servers, self._runs_folder = idle_servers, runs_folder

    def on_start(self, environment: Environment, **_: Any) -> None:
        if self.in_campaign:
            return
        environment.process_exit_code = None
        self.trouble = None
        self.recording = True
        try:
            self._begin(environment)
        except UserError as error:
            self.trouble = str(error)
            print(f"error: {error}", file=sys.stderr)
            environment.process_exit_code = error.exit_code
            if environment.web_ui is None and environment.runner is not None:
                gevent.spawn(environment.runner.quit)
            raise GreenletExit from None  # any other exception would be printed as a crash, twice
        finally:
            self.recording = self.current is not None

    def _begin(self, environment: Environment) -> None:
        options = environment.parsed_options
        assert isinstance(options, Namespace)
        users = int(options.num_users or 1)
        shape = None if environment.shape_class is None else type(environment.shape_class).__name__
        sink, rate = check_load(environment, options.sink, options.pace, users, environment.user_classes, shape)
        chosen = {one.target: one for one in environment.user_classes if issubclass(one, DownloadUser)}
        expected = expected_users(users, environment.user_classes) if rate is not None else {}
        for user_class in self.user_classes.values():
            user_class.sink, user_class.gate = sink, None  # a campaign leaves its gates closed
            user_class.meter.reset()
            if rate is not None and not user_class.expected_bytes:
                raise UserError("an empty file cannot be offered at a rate: give a size like 1MiB")
            user_class.offer(rate, expected.get(user_class.__name__, 1))
        modes = tuple(one.target for one in self.user_classes.values() if one.target in chosen)
        if modes and self._idle_servers is not None and not isinstance(environment.runner, WorkerRunner):
            in_workers = isinstance(environment.runner, MasterRunner)
            own = tuple(one.__name__ for one in own_classes(environment.user_classes))
            snapshot = Namespace(**vars(options))
            asked = ManualLoad(modes, users, sink, snapshot, rate, in_workers, own, shape)
            count = partial(running_users, environment.runner)
            self.current = RecordedLoad(self._idle_servers, self._runs_folder, asked, count)

    def on_stopping(self, **_: Any) -> None:
        if self.current is not None:
            with self._reported():
                self.current.close_window()

    def on_stop(self, environment: Environment, **_: Any) -> None:
        current, self.current = self.current, None
        if current is None:
            return
        try:
            self._end(current, environment)
        finally:
            self.recording = False

    def _end(self, current: RecordedLoad, environment: Environment) -> None:
        with self._reported():
            self.trouble = current.trouble
            saved = current.end() is not None
            self.costs = current.costs
            if saved:
                self.on_end(current.folder.path.name)
            prefix = getattr(environment.parsed_options, "csv_prefix", None)
            if prefix and self.costs:
                write_file(Path(f"{prefix}_servers.csv"), self.costs.csv().encode())

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        """Report an error instead of raising it: a record that cannot be written must not keep a load from ending."""
        try:
            yield
        except UserError as error:
            self.trouble = str(error)
            print(f"error: {error}", file=sys.stderr)


def check_load(
    environment: Environment, sink: str, pace: str, users: int, classes: Sequence[type[User]], shape: str | None
) -> tuple[Sink, int | None]:
    """What users are to do with the bytes, and the rate as check_pace() says. shape: the name of the LoadTestShape that
    sets the number of users, instead of `users`. Raises UserError for a load that cannot be measured as it was asked
    for: Locust itself does not check choices."""
    if sink not in SINKS:
        raise UsageError(f"{sink!r} is not a sink: choose one of {', '.join(SINKS)}{suggestion(sink, SINKS)}")
    if not isinstance(environment.runner, WorkerRunner):  # which has a share of the users
        check_users(0 if shape else users, classes)
    rate = check_pace(pace, environment.runner)
    if rate is not None and shape is not None:
        raise UsageError(f"--pace={pace} divides its rate among the users, and the shape {shape} changes their number")
    return sink, rate


def check_pace(text: str, runner: Runner | None) -> int | None:
    """Bytes per second for each mode; None for saturated. Raises UserError."""
    rate = manual_rate(text)
    if rate is not None and not isinstance(runner, LocalRunner):
        raise UserError("only a single process can keep a pace: start Locust without workers, or use saturated")
    return rate


def _print_run_name(run: str) -> None:
    print(f"saved as run {run}: `make report RUN={run}` builds its report", file=sys.stderr)
