"""What the agent and those who ask it say to each other: JSON over HTTP, one dataclass per message.

Its rule: a request names things that the agent knows (a target, an option, a process to watch); it never carries
a path or a command. Every request bears the token that the agent was started with; to an agent that listens for loads
from elsewhere, also the lease that it gave (profiles/agent/lease.py).

    POST /lease     Ask       -> Lease, from an agent that listens; then servers listen where the load reached it
    GET  /alive               -> Moment, and the lease goes on
    POST /release             -> Done, and nothing runs any more
    GET  /machine?address=A   -> Machine, by the interface that has this address
    GET  /facts               -> Facts
    GET  /targets             -> list[TargetStatus]
    POST /start     Start     -> TargetStatus
    POST /stop      Stop      -> TargetStatus
    POST /watch     Watch     -> Done
    POST /prove     Prove     -> records.Proof
    GET  /file                -> FileState
    POST /drop                -> FileState, after its pages were dropped
    GET  /snapshot            -> Snapshot
    GET  /samples?after=N     -> Samples
    POST /record    Record    -> Done
    GET  /recording?target=T  -> Recording
    any of them, refused      -> Refusal, status 400, 403 or 404; 409 for a lease that is lost, 423 while another load
                                 holds it
"""

from dataclasses import dataclass, field
from typing import Literal

from profiles.store.records import PythonFrames
from profiles.store.run_facts import Code, FileFacts, MetricFacts, TargetFacts

LOAD = "load"  # the load generator, among the processes of a snapshot
# What the load's own agent says of its machine and of itself, where the servers are on another host.
LOAD_MACHINE, LOAD_SAMPLER = "load-machine", "load-sampler"
TOKEN_VARIABLE = "ZERO_COPY_BENCH_TOKEN"
LEASE_HEADER = "Bench-Lease"
BUSY, LEASE_LOST = 423, 409  # HTTP status of a refusal: another load has the agent; its lease has ended
MAX_REQUEST_BYTES = 64 << 10

Fact = str | int | float | None
Profiler = Literal["py-spy", "perf"] | None


@dataclass(frozen=True, slots=True)
class Ask:
    """For a lease. load: the name of the host that asks; previous: the lease that it held, if any."""

    load: str
    previous: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """What goes with every request from now on, and must be heard of every so often. address: where the servers will
    listen."""

    lease: str
    every_s: float
    address: str


@dataclass(frozen=True, slots=True)
class Moment:
    """Of the agent's monotonic clock."""

    monotonic_s: float


@dataclass(frozen=True, slots=True)
class Machine:
    """Where an agent runs. boot: which start of which machine this is, the same in every container and namespace of it
    (random/boot_id, proc(5)); None where it cannot be known."""

    name: str
    boot: str | None
    host: dict[str, Fact]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the agent can say before anything runs. load_host: of the load's machine, where that is another one; it is
    the load that adds it."""

    targets: tuple[TargetFacts, ...]
    metrics: tuple[MetricFacts, ...]
    file: FileFacts
    sample_interval_s: float
    host: dict[str, Fact]
    software: dict[str, Fact]
    code: tuple[Code, ...] = ()
    load_host: dict[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileState:
    """The served file now. resident_share: of its pages in the page cache, None where it cannot be known. changed:
    since the facts were asked for, by inode, size and time of modification."""

    resident_share: float | None
    changed: bool


@dataclass(frozen=True, slots=True)
class Start:
    """Start a target; options in bytes. cpus: none for any. profiler: what will record it, in the profile pass: py-spy
    has to be let in, and perf is attached at once, while the server is idle (profiles/profilers/perf.py)."""

    target: str
    options: dict[str, int] = field(default_factory=dict)
    any_port: bool = False
    profiler: Profiler = None
    cpus: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Stop:
    target: str


@dataclass(frozen=True, slots=True)
class Watch:
    """Sample a process that the agent did not start, under this name."""

    name: str
    pid: int


@dataclass(frozen=True, slots=True)
class Prove:
    """Try a target and say what it really does; takes a second or two."""

    target: str


@dataclass(frozen=True, slots=True)
class Record:
    """Record a running target for whole seconds from now on, with the profiler that it was started for, else py-spy."""

    target: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Done:
    pass


@dataclass(frozen=True, slots=True)
class Refusal:
    """One clear line, and the exit code that belongs to it (errors.UserError)."""

    message: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """A target now. last_stderr_line: the end of its stderr, or how it ended. cpu_probe_us: of the servers' CPUs, just before it
    was started or just after it had ended (profiles/metrics/cpu_speed.py); None at other times."""

    name: str
    state: Literal["stopped", "running", "dead"]
    host: str = ""
    port: int = 0
    pid: int = 0
    congestion_control: str = ""
    last_stderr_line: str = ""
    cpu_probe_us: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Fresh counters of every process, at one moment of the agent's monotonic clock.

    processes: by name, targets and watched ones; "machine" and "sampler" stand among them (records.Sample).
    """

    monotonic_s: float
    processes: dict[str, dict[str, float | None]]


@dataclass(frozen=True, slots=True)
class TimedSample:
    """A sample on the agent's monotonic clock."""

    monotonic_s: float
    process: str
    pid: int
    values: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples that are kept after number `after`, up to number `last`."""

    last: int
    samples: tuple[TimedSample, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """A flame graph: on its way, done (folded stacks, and py-spy's SVG), or failed for a reason.

    Of perf's alone: rate_hz, counted_s and python as in records.DeepProfile.
    """

    state: Literal["recording", "done", "failed"]
    svg: str = ""
    raw: str = ""
    reason: str = ""
    rate_hz: int = 0
    counted_s: float = 0.0
    python: PythonFrames | None = None
