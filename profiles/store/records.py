"""What is stored of a run: what was asked for, and what was measured.

Its rule: a record explains itself. Names, units and facts travel in it, so that a report can be made from a run's
folder alone (profiles/store/run_folder.py), years later, after a mode or a metric was deleted here.
"""

from dataclasses import dataclass, field
from typing import Literal

from profiles.store.run_facts import (
    LEAST,
    Amount,
    Count,
    Fact,
    FileFacts,
    Integer,
    MetricFacts,
    Number,
    TargetFacts,
)

SCHEMA = 1

State = Literal["running", "done", "interrupted", "failed"]
PythonFrames = Literal["trampoline", "joined"]


@dataclass(frozen=True, slots=True)
class Floor:
    """The A/A floor: the difference that this machine finds between two equals (docs/method.md §5)."""

    low: Amount  # lower end of the 95 % interval of the baseline's duplicate against the baseline, as a ratio
    high: Amount  # upper end of it
    rounds: Count  # how many rounds the interval is from
    run: str  # name of the run in which it was measured
    at: str  # when, ISO 8601

    @property
    def reach(self) -> float:
        """How far the interval reaches from 1, on its farther side: 0.03 is 3 %."""
        return max(1 - self.low, self.high - 1)

    @property
    def holds_one(self) -> bool:
        return self.low <= 1 <= self.high


@dataclass(frozen=True, slots=True)
class Repeat:
    """A round that was added because a planned one was disturbed."""

    round: Count  # number of the added round, from 1
    of: Count  # number of the disturbed round, from 1


@dataclass(frozen=True, slots=True)
class Void:
    """A cell without a result: its server died, or its agent, its network or a worker was lost. The round's other modes
    are compared where they have a pair."""

    round: Count  # from 1
    mode: str  # name of the target
    reason: str  # what was lost, or the server's last words


@dataclass(frozen=True, slots=True)
class UserCount:
    """How many users of a mode an interactive load really had: a ramp or a LoadTestShape changes their number."""

    mean: Amount  # over the time of the load
    most: Count  # at once


@dataclass(frozen=True, slots=True)
class Run:
    """One campaign as it was asked for, and how far it came; or an interactive load: one round, all modes at once."""

    name: str  # of its folder; RUN/paced for the paced part of a run that asked both questions
    state: State  # "running" on disk also after a kill, which whoever reads it notices (run_folder.py)
    started_at: str  # ISO 8601
    command: str  # what was typed to start it
    question: Literal["saturated", "paced"]  # as fast as it goes, or at one offered rate (docs/method.md §2)
    seed: Integer  # of the random order
    order: tuple[tuple[str, ...], ...]  # round by round, the modes in the order in which they ran
    baseline: str  # the mode that all others are compared with
    users: Count  # concurrent downloads; in an interactive load, at most
    sink: Literal["discard", "copy"]  # what the client does with the bytes
    warm_up_s: Amount  # seconds of load before each window; 0 in a run of slices, which warms up by whole cycles
    window_s: Amount  # seconds measured of each cell, in one piece; 0 in a run of slices
    sample_interval_s: Amount  # seconds between two samples
    file: FileFacts  # the file that was served
    targets: tuple[TargetFacts, ...]  # what was measured
    metrics: tuple[MetricFacts, ...]  # how to read the numbers of cells
    host: dict[str, Fact]  # facts of the servers' machine, in the order to be shown
    software: dict[str, Fact]  # versions, in the order to be shown
    skipped: dict[str, str] = field(default_factory=dict)  # modes that this machine lacks, each with the reason
    gib_per_day: Amount | None = None  # traffic in GiB whose cost is asked for; changes no number of the run
    rounds_planned: Count | None = None  # at most, without repeats; None in old records: as many as order has
    precision: Amount = 0.0  # half-width of the intervals, as a ratio, at which it may stop; 0 for never
    stopped: str | None = None  # what ended its rounds: precision, rounds or time; None in records of the first design
    repeats: tuple[Repeat, ...] = ()  # rounds that were added for disturbed ones; they stand in order, too
    duplicate: str | None = None  # name of the baseline's duplicate, which is never judged
    floor: Floor | None = None  # the A/A floor that an earlier run found under the same conditions
    rate_bytes_per_s: Count | None = None  # paced: the offered rate of all users together
    pilot_bytes_per_s: dict[str, Amount] = field(default_factory=dict)  # paced: each mode's saturated rate; not scored
    congestion: dict[str, str] = field(default_factory=dict)  # TCP congestion control by mode, as far as known
    cache: Literal["warm", "cold", "both"] = "warm"  # whether the file lay in the page cache; both: as targets say
    workers: Count = 0  # processes that the users were spread over; 0 for one process that did it all
    voids: tuple[Void, ...] = ()  # cells that were lost
    load_host: dict[str, Fact] = field(default_factory=dict)  # facts of the load's machine, where that is another one
    ended_at: str | None = None  # ISO 8601
    reason: str | None = None  # why it was interrupted or failed
    slice_s: Amount | None = None  # least seconds of a slice; None in records of the first design, which had windows
    sweeps: Count = 0  # mirrored sweeps over the modes in each round: two slices of each mode
    seconds: Amount | None = None  # the limit of time for its rounds, where there is one
    quick: bool = False  # exploratory: too few rounds for a verdict
    clock_excludes_steal: bool | None = None  # proved: stolen time is not in a process's CPU time; None: cannot be told
    user_counts: dict[str, UserCount] = field(default_factory=dict)  # interactive: by mode
    shape: str | None = None  # interactive: the class of Locust's LoadTestShape that set the number of users
    kind: Literal["campaign", "interactive"] = "campaign"  # interactive: nothing is paired, so nothing is concluded
    schema: Count = SCHEMA  # version of these records

    @property
    def modes(self) -> tuple[str, ...]:
        """The names of the targets in the order in which they were asked for, without the baseline's duplicate."""
        return tuple(target.name for target in self.targets if target.name != self.duplicate)

    def is_cold(self, mode: str) -> bool:
        """Whether the file was dropped from the page cache before each download of this mode."""
        if self.cache == "both":
            return any(target.cold for target in self.targets if target.name == mode)
        return self.cache == "cold"


@dataclass(frozen=True, slots=True)
class Cell:
    """One mode in one round: the sum of its slices (docs/method.md §2). On disk, metrics are fields like the others."""

    round: Count  # from 1
    position: Count  # of the mode in its round, from 1
    mode: str  # name of the target
    started_s: Number  # seconds since the run began
    wall_s: Amount  # seconds that its slices lasted
    received_bytes: Count  # counted as they arrived
    downloads: Count  # completed
    failures: Count  # downloads that failed
    failure_names: dict[str, Count]  # how often each kind of error was seen
    latency_histogram: str  # HDR, encoded: µs per completed download; if paced, from when each should have started
    metrics: dict[str, Number | None]  # by name (Run.metrics says the units); None is "unknown"
    offered_bytes: Count | None = None  # what should have arrived; None in a saturated cell
    slices: Count = 0  # of which it is the sum; 0: one window, as in records of the first design
    span_s: Amount | None = None  # seconds between the readings of its counters, in all; None: wall_s

    def __post_init__(self) -> None:
        """Raises ValueError."""
        for name, value in {**self.metrics, "wall_s": self.wall_s, "span_s": self.span_s}.items():
            if value and abs(value) < LEAST:
                raise ValueError(f"Expected `float` of 0, or {LEAST:g} at least - at `$.{name}`")


@dataclass(frozen=True, slots=True)
class Slice:
    """One turn of a mode: whole cycles of downloads, between two moments at which nothing moves (docs/method.md §2)."""

    round: Count  # from 1
    number: Count  # of the slice in its round, from 1
    mode: str  # name of the target
    started_s: Number  # seconds since the run began
    wall_s: Amount  # seconds from the gate's opening to the last byte
    span_s: Amount  # seconds between the two readings of the counters
    cycles: Count  # downloads of each user
    received_bytes: Count  # exact: nothing is in flight at either end
    failures: Count  # downloads that failed
    server_cpu_s: Number | None  # CPU seconds of the server; None is "unknown"
    client_cpu_s: Number | None  # CPU seconds of the load generator, its workers included
    steal_s: Number | None  # CPU seconds that the hypervisor gave to others, of all the machine's CPUs


@dataclass(frozen=True, slots=True)
class Profile:
    """One mode in the py-spy pass, which is never scored."""

    cell: Cell  # what was measured meanwhile
    svg: str | None  # name of the flame graph's file in the run's folder
    raw: str | None  # name of the file of folded stacks in the run's folder
    reason: str | None = None  # why there is none


@dataclass(frozen=True, slots=True)
class DeepProfile:
    """One mode in the perf pass, which is never scored: stacks from the line of Python down into the kernel."""

    mode: str  # name of the target
    cell: Cell | None  # what was measured meanwhile; None where perf could not be attached, so that nothing ran
    folded: str | None  # name of the file of folded stacks in the run's folder (profiles/profilers/folded_stacks.py)
    rate_hz: Count = 0  # a sample stands for 1/rate_hz seconds of CPU time
    counted_s: Amount = 0.0  # seconds of the cell in which samples were taken
    python: PythonFrames | None = None  # Python's frames: by its perf trampoline, or joined from py-spy; None: none
    reason: str | None = None  # why there are no stacks


@dataclass(frozen=True, slots=True)
class Probe:
    """One mode once more with more users, never scored: was the server the limit? (docs/method.md §6)"""

    cell: Cell  # what was measured
    users: Count  # concurrent downloads


@dataclass(frozen=True, slots=True)
class Sample:
    """Counters of one process at one moment, as they stood (cumulative)."""

    t_s: Number  # seconds since the run began
    process: str  # a target's name, "load", "sampler", or "machine" for the whole machine, summed over its cores
    pid: Count  # 0 for the machine and the sampler
    values: dict[str, Number | None]  # metrics by name; None is "unknown"
