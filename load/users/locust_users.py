"""One Locust user class per target: connects, downloads the test file, again and again.

Its rule: one event per download. An error is a failure with a name. A download that the end of the test cuts short is
neither success nor failure, so it fires nothing (Locust's own `request.measure()` would call it a success). At a pace,
latency counts from the moment at which the download should have started (load/users/pacing.py).
"""

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import ClassVar

import gevent
from locust import User, constant, tag, task
from locust.env import Environment

from load.process import raise_limit_on_files
from load.users.connection import DownloadConnection, Sink
from load.users.failures import DownloadError
from load.users.gate import Gate
from load.users.meter import Meter
from load.users.pacing import Pace, start_times
from load.users.raw_connection import CONNECTIONS
from profiles.store.run_facts import SERVED_PATH, WireProtocol
from profiles.targets import catalog

YIELD_EVERY_BYTES = 4 << 20
YIELD_EVERY_READ_BYTES = 1 << 20  # reading or decrypting bytes takes longer than dropping them
PAUSE_AFTER_FAILURE_S = 0.2
REQUEST_TYPES: Mapping[WireProtocol, str] = {"http": "GET", "raw": "RAW"}  # as Locust's tables have them


class DownloadUser(User):
    """A user of one target. The class attributes are set for all its users, before they start.

    target: the name under which it is measured. named: whether a locustfile asked for it by name.
    own_bytes: the length of one download, where it differs from the run's file. user_numbers: of users at a pace.
    gate: where users wait for their turns; None for users that never wait.
    """

    abstract = True
    wait_time = constant(0)

    target: ClassVar[str]
    named: ClassVar[bool] = False
    address: ClassVar[tuple[str, int]]
    path: ClassVar[str] = SERVED_PATH
    external: ClassVar[bool] = False
    own_bytes: ClassVar[int | None] = None
    meter: ClassVar[Meter]
    sink: ClassVar[Sink] = "discard"
    expected_bytes: ClassVar[int | None] = None
    pace: ClassVar[Pace | None] = None
    gate: ClassVar[Gate | None] = None
    user_numbers: ClassVar[Iterator[int]] = itertools.count()
    tls: ClassVar[bool] = False
    protocol: ClassVar[WireProtocol] = "http"

    def on_start(self) -> None:
        self._since_yield_bytes = 0
        self._number = 0 if self.pace is None else next(self.user_numbers)
        self._start_times = None if self.pace is None else start_times(self.pace, self._number, time.perf_counter)
        self._left = 0  # downloads of this turn
        self._late_s = 0.0
        self._connection = self.connection(self._count)
        self._yield_every_bytes = YIELD_EVERY_BYTES if self._connection.discards else YIELD_EVERY_READ_BYTES

    @classmethod
    def offer(cls, rate_bytes_per_s: int | None, users: int, user_numbers: Iterator[int] | None = None) -> None:
        """Set the pace of users that start from now on; None for saturated. users: that share it. user_numbers: where
        some of them are in other processes."""
        cls.user_numbers = itertools.count() if user_numbers is None else user_numbers
        cls.pace = None
        if rate_bytes_per_s is not None:
            cls.pace = Pace(rate_bytes_per_s, cls.expected_bytes or 0, users, time.perf_counter())

    @classmethod
    def connection(cls, on_bytes: Callable[[int], None]) -> DownloadConnection:
        return CONNECTIONS[cls.protocol](cls.address, cls.sink, on_bytes, cls.expected_bytes, cls.tls)

    @classmethod
    def url(cls) -> str:
        """Where its server is: http://127.0.0.1:8082"""
        host, port = cls.address
        scheme = "https" if cls.tls else cls.protocol
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    def on_stop(self) -> None:
        self._connection.close()

    @task
    def download(self) -> None:
        if self.gate is not None:
            self._wait_for_turn(self.gate)
        started_s = time.perf_counter() if self._start_times is None else next(self._start_times)
        self._late_s = time.perf_counter() - started_s
        error: DownloadError | None = None
        length = 0
        try:
            length = self._connection.download(self.path)
        except DownloadError as failure:
            error = failure
        latency_s = time.perf_counter() - started_s
        if error is None:
            self.meter.add_download(latency_s)
        else:
            self.meter.add_failure(error.reason)
        self.environment.events.request.fire(
            request_type=REQUEST_TYPES[self.protocol],
            name=self.target,
            start_time=time.time() - latency_s,
            response_time=latency_s * 1e3,
            response_length=length,
            response=None,
            context={},
            exception=error,
        )
        if error is not None:
            self._left = 0  # its turn is over
            gevent.sleep(PAUSE_AFTER_FAILURE_S)  # do not hammer a dead server

    def _wait_for_turn(self, gate: Gate) -> None:
        """At a pace, the starts of a turn count from its opening."""
        if self._left == 0:
            turn = gate.come_back(self._late_s)
            self._left = turn.cycles
            if self.pace is not None:
                pace = replace(self.pace, begin_s=turn.opened_s)
                self._start_times = start_times(pace, self._number, time.perf_counter)
        self._left -= 1

    def _count(self, received_bytes: int) -> None:
        """Count, and let other users run: gevent switches only when a socket is empty, and a fast one never is."""
        self.meter.add_bytes(received_bytes)
        self._since_yield_bytes += received_bytes
        if self._since_yield_bytes >= self._yield_every_bytes:
            self._since_yield_bytes = 0
            gevent.sleep(0)


def quiet_environment() -> tuple[Environment, dict[str, type[DownloadUser]]]:
    """For a process without Locust's command line or UI: an environment with a user class for each target."""
    raise_limit_on_files()
    logging.getLogger("locust").setLevel(logging.ERROR)
    classes = user_classes()
    return Environment(user_classes=list(classes.values()), stop_timeout=0), classes


def variant_class(base: type[DownloadUser], name: str) -> type[DownloadUser]:
    """Users like those of base, but of a variant of its target, with a meter of their own."""
    variant = name.removeprefix(base.target)
    return type(base.__name__ + variant, (base,), {"__doc__": base.__doc__, "target": name, "meter": Meter()})


def _tagged_download(target: str) -> Callable[[DownloadUser], None]:
    """The task with its target's name as a tag. It is a function of its own, since Locust keeps tags on functions."""

    @tag(target)
    def download(user: DownloadUser) -> None:
        user.download()

    return download


def user_classes() -> dict[str, type[DownloadUser]]:
    """A user class for each target, by class name: read-send is loaded by ReadSendUser, and has the tag read-send."""
    classes: dict[str, type[DownloadUser]] = {}
    for target in catalog.discover().values():
        class_name = "".join(part.capitalize() for part in target.name.split("-")) + "User"
        classes[class_name] = type(
            class_name,
            (DownloadUser,),
            {
                "__doc__": f"Downloads from {target.name}: {target.facts.summary}.",
                "target": target.name,
                "address": ("127.0.0.1", target.facts.port),
                "path": target.facts.path,
                "external": target.external is not None,
                "own_bytes": target.facts.size_bytes,
                "tls": target.facts.tls is not None,
                "protocol": target.facts.protocol,
                "meter": Meter(),
            },
        )
        classes[class_name].host = classes[class_name].url()
        classes[class_name].tasks = [_tagged_download(target.name)]
    return classes


def let_locust_know(environment: Environment, classes: Iterable[type[DownloadUser]]) -> None:
    """Locust finds the users to start by the names of their classes."""
    known = environment.user_classes
    environment.user_classes = [*known, *(one for one in classes if one not in known)]
