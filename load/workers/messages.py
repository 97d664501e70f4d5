"""The messages between a campaign's master and its workers, over Locust's own connection.

Its rule: the master asks, every worker answers, and an answer has the number of its request, so that a late answer is
never taken for another. Locust's own statistics are not used: they come every 3 seconds and lose what is under way when
users stop.
"""

from dataclasses import dataclass, field

from load.users.connection import Sink
from load.users.slice_counts import SliceCounts
from profiles.store.run_facts import WireProtocol

PREPARE, SLICE, COUNT, ANSWER = "bench-prepare", "bench-slice", "bench-count", "bench-answer"
UNPARSED = -1  # the number of an answer to a message whose number could not be read


@dataclass(frozen=True, slots=True)
class PreparedMode:
    """What the users of one mode or variant download."""

    name: str
    address: tuple[str, int]
    path: str
    tls: bool
    protocol: WireProtocol
    sink: Sink
    expected_bytes: int | None


@dataclass(frozen=True, slots=True)
class Prepare:
    """What a worker's users do from the next start on. users: of each mode, in all workers. worker_index: from 0; at a
    pace a worker's users take every workers-th start from that one on. gated: whether they wait for slices."""

    number: int
    modes: tuple[PreparedMode, ...]
    rate_bytes_per_s: int | None
    users: int
    worker_index: int
    workers: int
    gated: bool


@dataclass(frozen=True, slots=True)
class RunSlice:
    """Open the gate of a mode; the answer comes when all its users are back, or when the time is over."""

    number: int
    name: str
    cycles: int
    within_s: float


@dataclass(frozen=True, slots=True)
class CountRequest:
    """What has been received by now? reset: failures and latencies count from here on; end: the answer has them."""

    number: int
    reset: bool = False
    end: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """counts: of a slice, or by now. users: how many run. failure_names: by mode, only at the end. histograms: by mode,
    latencies in microseconds, HDR, encoded, only at the end. refusal: why it cannot do what was asked."""

    number: int
    pid: int = 0
    users: int = 0
    counts: SliceCounts = field(default_factory=lambda: SliceCounts(0.0, 0, 0))
    failure_names: dict[str, dict[str, int]] = field(default_factory=dict)
    histograms: dict[str, str] = field(default_factory=dict)
    refusal: str = ""
