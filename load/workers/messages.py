"""What the master of a campaign and its workers say to each other, over Locust's own connection.

Its rule: the master asks, every worker answers, and an answer bears the number of what it answers; so an answer that
comes too late is never taken for another. Nothing rests on Locust's statistics, which come every 3 seconds and lose
what is under way when users stop.

    arm     master to worker   what its users are to do from the next start on    -> told, with what it has counted
    count   master to worker   what have you received by now?                     -> told
    told    worker to master
"""

from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import msgspec

from load.users.connection import Sink

PREPARE, COUNT, ANSWER = "bench-prepare", "bench-count", "bench-answer"
UNPARSED = -1  # the number of an answer to what bore none that could be read

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Prepare:
    """place and step: of the users' turns at a pace, the worker's first and every how many-th of them. The turns begin
    when a worker reads this: its clock is its own, so they are shifted by what the message takes."""

    number: int
    target: str
    address: tuple[str, int]
    path: str
    tls: bool
    sink: Sink
    expected_bytes: int | None
    rate_bytes_per_s: int | None
    users: int
    place: int
    step: int


@dataclass(frozen=True, slots=True)
class CountRequest:
    """begin: failures and latencies count from here on; end: they are told."""

    number: int
    begin: bool = False
    end: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """monotonic_s: of the worker's clock. users: that run. cpu: its CPU seconds by metric name. histogram: HDR,
    encoded, of latencies in microseconds, only when asked for the end. refusal: why it cannot do what it was asked."""

    number: int
    monotonic_s: float
    pid: int = 0
    received_bytes: int = 0
    downloads: int = 0
    users: int = 0
    cpu: dict[str, float] = field(default_factory=dict)
    failure_names: dict[str, int] = field(default_factory=dict)
    histogram: str = ""
    refusal: str = ""


def encode(message: Prepare | CountRequest | Answer) -> dict[str, Any]:
    """As Locust sends it."""
    return asdict(message)


def decode(data: Any, kind: type[T]) -> T:
    """Raises msgspec.ValidationError for what is no such message."""
    return msgspec.convert(data, kind)
