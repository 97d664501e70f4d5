"""The messages between the agent and its clients: JSON over HTTP, one dataclass per message.

Its rule: a request names things that the agent knows (a target, an option, a process to watch); it never carries
a path or a command. Every request bears the token that the agent was started with, and, to an agent that listens for
loads on other machines, the lease that it gave (profiles/agent/lease.py).

    POST /lease     Ask       -> Lease, from an agent that listens; then servers listen where Lease.address says
    GET  /alive               -> Moment, and the lease is renewed
    POST /release             -> Done, after everything that ran under the lease has ended
    GET  /machine?address=A   -> Machine, by the interface that has this address
    GET  /facts               -> Facts
    GET  /targets             -> list[TargetStatus]
    POST /start     Start     -> TargetStatus
    POST /start-all list[Start] -> list[TargetStatus], started at the same time
    POST /stop      Named     -> TargetStatus
    POST /stop-all  list[Named] -> list[TargetStatus], ended at the same time
    POST /watch     Watch     -> Done
    POST /prove     Prove     -> records.Proof
    POST /clock     TryClock  -> clock_check.ClockCheck
    GET  /file                -> FileState
    POST /warm                -> FileState, after it was read into the page cache
    POST /drop                -> FileState, after its pages were dropped
    GET  /snapshot            -> Snapshot
    GET  /samples?after=N     -> Samples
    POST /record    Record    -> Done
    GET  /recording?target=T  -> Recording
    any of them, refused      -> Refusal, status 400, 403 or 404; 409 for a lost lease, 423 while another load has one
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

from profiles.store.records import PythonFrames
from profiles.store.run_facts import Code, Fact, FileFacts, MetricFacts, TargetFacts

LOAD = "load"  # the load generator, among the processes of a snapshot
# The machine and the sampler of the load's own agent, where the servers are on another host.
LOAD_MACHINE, LOAD_SAMPLER = "load-machine", "load-sampler"
TOKEN_VARIABLE = "ZERO_COPY_BENCH_TOKEN"
LEASE_HEADER = "Bench-Lease"
BUSY, LEASE_LOST = 423, 409  # HTTP status of a refusal: another load has the agent; the lease has ended
MAX_REQUEST_BYTES = 64 << 10
# While a request is handled, or waits for its turn, the agent sends an interim response (100, RFC 9110 section 15.2.1)
# this often. So one that is silent for longer is stopped or out of reach, however long the request takes.
BEAT_S = 1.0
SILENT_S = 7.0

Profiler = Literal["py-spy", "perf"] | None
Cpu = Annotated[int, msgspec.Meta(ge=0, lt=1 << 16)]
Pid = Annotated[int, msgspec.Meta(ge=1, lt=1 << 31)]


@dataclass(frozen=True, slots=True)
class Ask:
    """Asks for a lease."""

    load: str  # name of the host that asks
    previous: str = ""  # the lease that it held, if any


@dataclass(frozen=True, slots=True)
class Lease:
    """Lets one load use the agent."""

    lease: str  # a secret that goes with every request from now on
    every_s: float  # seconds within which some request must arrive
    address: str  # where the servers will listen
    reached: str  # where the load reached the agent; the same, unless servers have a network of their own


@dataclass(frozen=True, slots=True)
class Moment:
    """Now."""

    monotonic_s: float  # by the agent's monotonic clock


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine on which an agent runs."""

    name: str  # host name
    boot: str | None  # random/boot_id, proc(5): the same in every container on it until it restarts; None: unknown
    host: dict[str, Fact]  # facts by name


@dataclass(frozen=True, slots=True)
class Facts:
    """What the agent can say before anything runs."""

    targets: tuple[TargetFacts, ...]  # what can be started
    metrics: tuple[MetricFacts, ...]  # what is read of each process
    file: FileFacts  # the served file
    sample_interval_s: float  # seconds between two samples
    host: dict[str, Fact]  # facts of the servers' machine
    software: dict[str, Fact]  # versions
    code: tuple[Code, ...] = ()  # the servers' own code
    load_host: dict[str, Fact] = field(default_factory=dict)  # the load adds the facts of its machine, if another one
    most_connections: int | None = None  # that a server of ours takes at once; None: unknown


@dataclass(frozen=True, slots=True)
class FileState:
    """The served file now."""

    resident_share: float | None  # of its pages in the page cache, 0 to 1; None: unknown
    changed: bool | None = None  # whether its bytes are others than when facts were asked for; None: not looked at
    rewritten: bool | None = None  # whether it was written or replaced since then, and its bytes are the same


@dataclass(frozen=True, slots=True)
class Start:
    """Start a target."""

    target: str  # its name
    options: dict[str, int] = field(default_factory=dict)  # by name, in bytes
    any_port: bool = False  # any free port instead of the target's own
    profiler: Profiler = None  # what will record it: py-spy is let in, perf is attached at once, while it is idle
    cpus: tuple[Cpu, ...] = ()  # to pin it to; none for any
    name: str = ""  # TARGET@…, under which it runs beside others of the same target; empty: the target's own

    @property
    def runs_as(self) -> str:
        return self.name or self.target


@dataclass(frozen=True, slots=True)
class Watch:
    """Sample a process that the agent did not start."""

    name: str  # under which its samples are stored
    pid: Pid  # on the agent's machine


@dataclass(frozen=True, slots=True)
class Named:
    """Stop a server."""

    target: str  # the name that it runs under


@dataclass(frozen=True, slots=True)
class Prove:
    """Try a target and say what it really does, which takes a second or two."""

    target: str  # its name
    options: dict[str, int] = field(default_factory=dict)  # by name, in bytes
    name: str = ""  # that the proof bears; empty: the target's own


@dataclass(frozen=True, slots=True)
class TryClock:
    """Keep CPUs busy and say whether the process clock leaves out what was stolen of them meanwhile."""

    cpus: tuple[Cpu, ...]  # their numbers; none for any
    seconds: float  # for how long


@dataclass(frozen=True, slots=True)
class Record:
    """Record a running server, with the profiler that it was started for, else with py-spy."""

    target: str  # the name that it runs under
    seconds: float  # from now on
    deep: bool = False  # with perf, which is attached now; threads that the server makes meanwhile may be lost


@dataclass(frozen=True, slots=True)
class Done:
    """Done, with nothing to say."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request was refused."""

    message: str  # one line for the user
    exit_code: int  # of the command that asked (errors.UserError)


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """A server now."""

    name: str  # that it runs under
    state: Literal["stopped", "running", "dead"]  # dead: it ended without being asked to
    host: str = ""  # address that it listens on
    port: int = 0  # TCP port that it listens on
    pid: int = 0  # of its first process
    congestion_control: str = ""  # TCP congestion control of its listening socket; empty: unknown
    last_stderr_line: str = ""  # or how it ended
    cpu_probe_us: float | None = None  # CPU speed before its start or after its end (metrics/cpu_speed.py)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Fresh counters of every process at one moment."""

    monotonic_s: float  # by the agent's monotonic clock
    processes: dict[str, dict[str, float | None]]  # values by metric, by process (named as in records.Sample)


@dataclass(frozen=True, slots=True)
class TimedSample:
    """Counters of one process at one moment."""

    monotonic_s: float  # by the agent's monotonic clock
    process: str  # named as in records.Sample
    pid: int  # 0 for the machine and the sampler
    values: dict[str, float | None]  # metrics by name; None is "unknown"


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples after the one that was asked for by number."""

    last: int  # number of the last one, to be asked for next time
    samples: tuple[TimedSample, ...]  # those that are still kept, oldest first


@dataclass(frozen=True, slots=True)
class Recording:
    """A flame graph: in progress, done, or failed."""

    state: Literal["recording", "done", "failed"]  # failed: see reason
    svg: str = ""  # py-spy's picture
    raw: str = ""  # folded stacks
    reason: str = ""  # why it failed
    rate_hz: int = 0  # perf: a sample stands for 1/rate_hz seconds of CPU time
    counted_s: float = 0.0  # perf: seconds in which samples were taken
    python: PythonFrames | None = None  # perf: where Python's frames come from, as in records.DeepProfile
