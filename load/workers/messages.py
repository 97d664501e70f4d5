"""The messages between a campaign's master and its workers, over Locust's own connection.

Its rule: the master asks, every worker answers, and an answer has the number of its request, so that a late answer is
never taken for another. Locust's own statistics are not used: they come every 3 seconds and lose what is under way when
users stop.
"""

from dataclasses import dataclass, field

from load.users.connection import Sink

PREPARE, COUNT, ANSWER = "bench-prepare", "bench-count", "bench-answer"
UNPARSED = -1  # the number of an answer to a message whose number could not be read


@dataclass(frozen=True, slots=True)
class Prepare:
    """What a worker's users do from the next start on. worker_index: from 0, among so many workers; at a pace its users
    take every workers-th start from that one on. A pace begins when the worker reads this: late by the time that the
    message took."""

    number: int
    target: str
    address: tuple[str, int]
    path: str
    tls: bool
    sink: Sink
    expected_bytes: int | None
    rate_bytes_per_s: int | None
    users: int
    worker_index: int
    workers: int


@dataclass(frozen=True, slots=True)
class CountRequest:
    """What has been received by now? begin: failures and latencies count from here on; end: the answer has them."""

    number: int
    begin: bool = False
    end: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """monotonic_s: on the worker's clock. users: how many run. cpu: CPU seconds by metric name. histogram: latencies in
    microseconds, HDR, encoded, only at the end of a window. refusal: why it cannot do what was asked."""

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
