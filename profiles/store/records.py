"""Everything that is stored of a run, as facts: what was asked for, what was measured, what was proved.

Its rule: a record explains itself. Names, units and facts travel in it, so that a report can be made from a run's
folder alone (profiles/store/run_folder.py), years later, after a mode or a metric was deleted here.
"""

from dataclasses import dataclass, field
from typing import Literal

from servers.mode import Copy

SCHEMA = 1

COPIES_TOLERANCE = 0.1

SERVED_FILE = "test-file.bin"
SERVED_PATH = f"/{SERVED_FILE}"

ExternalTarget = Literal["command", "pid", "container"]
State = Literal["running", "done", "interrupted", "failed"]
MetricKind = Literal["counter", "gauge", "derived"]


@dataclass(frozen=True, slots=True)
class MetricFacts:
    """How to read a number that is stored under `name`.

    kind: a counter's value in a cell is what the window added; a gauge's is its value at the window's end;
    a derived one is computed from others. per_gib: whether dividing by GiB received makes sense.
    """

    name: str
    unit: str
    kind: MetricKind
    summary: str
    per_gib: bool = False


def is_cpu_copy(step: Copy) -> bool:
    """Whether the CPU carries every byte from one place to another. Encrypting on that way is one copy, as any other;
    encrypting within a place is work, but no copy."""
    return step.by != "dma" and step.source != step.destination


def is_sending(step: Copy) -> bool:
    """Whether a step brings the bytes into the socket or to the card; all steps before are those of reading."""
    return step.destination in ("socket buffer", "NIC")


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What was measured: one of our modes, or a guest, any server of the user's (docs/targets.md).

    options: what changed its path, in bytes. tls: who encrypts ("user", "kernel"), None for plain HTTP. A TLS body is
    decrypted by its client whatever the sink. guest: how it was named, None for our modes. path: what is downloaded
    from it. size_bytes and sha256: of what it sends, None where that is the run's file.
    """

    name: str
    port: int
    summary: str
    copies: tuple[Copy, ...] = ()
    options: dict[str, int] = field(default_factory=dict)
    tls: Literal["user", "kernel"] | None = None
    guest: ExternalTarget | None = None
    path: str = SERVED_PATH
    size_bytes: int | None = None
    sha256: str | None = None

    @property
    def cpu_copies(self) -> int:
        """CPU copies of every byte that the model draws."""
        return sum(is_cpu_copy(step) for step in self.copies)

    @property
    def cpu_copies_of_reading(self) -> int:
        """Those of them that bring the bytes to where they are sent from."""
        return sum(is_cpu_copy(step) and not is_sending(step) for step in self.copies)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The file that was served. resident_share: of its pages in the page cache, before the first cell and after the
    last one; None where it cannot be known. changed: during the run; None when it did not come to its end."""

    path: str
    size_bytes: int
    sha256: str
    filesystem: str
    resident_share_before: float | None = None
    resident_share_after: float | None = None
    changed: bool | None = None


@dataclass(frozen=True, slots=True)
class Floor:
    """The A/A floor: what this machine finds between two equals (method.md §5).

    low and high: the 95 % interval of the baseline's duplicate against the baseline, as ratios. run: where it was
    measured, at (ISO 8601).
    """

    low: float
    high: float
    rounds: int
    run: str
    at: str

    @property
    def reach(self) -> float:
        """How far the interval reaches from 1, on its farther side: 0.03 is 3 %."""
        return max(1 - self.low, self.high - 1)

    @property
    def holds_one(self) -> bool:
        return self.low <= 1 <= self.high


@dataclass(frozen=True, slots=True)
class Repeat:
    """A round that was run because another, which was planned, had been disturbed. Both count from 1."""

    round: int
    of: int


@dataclass(frozen=True, slots=True)
class Void:
    """A cell that somebody went away from while it was measured: an agent, the network, a worker. Nothing else is kept
    of it. round: from 1."""

    round: int
    mode: str
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """One campaign as it was asked for, and how far it came.

    kind: "interactive" is a load that somebody started and stopped by hand: one round of all its modes at once, so that
    nothing is paired and nothing may be concluded. order lists, round by round, the modes in the order they ran.
    question: "saturated", as fast as it goes, or "paced", every mode at the same offered rate (method.md §2); then
    rate_bytes_per_s is that rate, of all users together, and pilot_bytes_per_s what each mode reached before when it
    was saturated (never scored). congestion: the congestion control that each mode's server used, as far as is known.
    cache: whether the file lay in the page cache; a cold cell is one download of it, so window_s is 0. rounds_planned:
    at most, without repeats; None in old records: as many as order has. precision: the half-width of the intervals at
    which it may stop, 0 for never; stopped: why it did. repeats: of disturbed rounds, which stand in order too.
    duplicate: the baseline once more, under this name. floor: the A/A floor that an earlier run found under the same
    conditions. skipped: modes that this machine lacks, each with the reason. host and software: fact name to value, in
    the order to be shown; None is "unknown". gib_per_day: the traffic that somebody wants to know the cost of; it
    changes no number of the run. workers: the processes that the users were spread over, 0 for one that did it all.
    voids: cells that came to nothing, and so their rounds, which are repeated like disturbed ones. load_host: facts of
    the load's machine, where that is another one than the servers', of which host tells.
    """

    name: str
    state: State
    started_at: str
    command: str
    question: Literal["saturated", "paced"]
    seed: int
    order: tuple[tuple[str, ...], ...]
    baseline: str
    users: int
    sink: Literal["discard", "copy"]
    warm_up_s: float
    window_s: float
    sample_interval_s: float
    file: FileFacts
    targets: tuple[TargetFacts, ...]
    metrics: tuple[MetricFacts, ...]
    host: dict[str, str | int | float | None]
    software: dict[str, str | int | float | None]
    skipped: dict[str, str] = field(default_factory=dict)
    gib_per_day: float | None = None
    rounds_planned: int | None = None
    precision: float = 0.0
    stopped: str | None = None
    repeats: tuple[Repeat, ...] = ()
    duplicate: str | None = None
    floor: Floor | None = None
    rate_bytes_per_s: int | None = None
    pilot_bytes_per_s: dict[str, float] = field(default_factory=dict)
    congestion: dict[str, str] = field(default_factory=dict)
    cache: Literal["warm", "cold"] = "warm"
    workers: int = 0
    voids: tuple[Void, ...] = ()
    load_host: dict[str, str | int | float | None] = field(default_factory=dict)
    ended_at: str | None = None
    reason: str | None = None
    kind: Literal["campaign", "interactive"] = "campaign"
    schema: int = SCHEMA

    @property
    def modes(self) -> tuple[str, ...]:
        """The names of the targets, baseline first; without the baseline's duplicate, which is never judged."""
        hidden = (self.baseline, self.duplicate)
        others = tuple(target.name for target in self.targets if target.name not in hidden)
        return (self.baseline, *others)


@dataclass(frozen=True, slots=True)
class Cell:
    """One mode in one round: its measured window (method.md §2).

    round and position count from 1. started_s: since the run began. downloads: completed inside the window;
    received_bytes: counted as they arrived, downloads in flight included. failure_names: each to how often.
    latency_histogram: HDR, encoded, microseconds per completed download; in a paced cell from the moment at which each
    should have started. metrics: by name (see Run.metrics); None is "unknown". offered_bytes: what should have arrived,
    None in a saturated cell. On disk the metrics stand beside the other fields.
    """

    round: int
    position: int
    mode: str
    started_s: float
    wall_s: float
    received_bytes: int
    downloads: int
    failures: int
    failure_names: dict[str, int]
    latency_histogram: str
    metrics: dict[str, float | None]
    offered_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """One mode in the profile pass: its cell, and the flame graph or the reason why there is none.

    svg and raw are file names inside the run's folder.
    """

    cell: Cell
    svg: str | None
    raw: str | None
    reason: str | None = None


PythonFrames = Literal["trampoline", "joined"]


@dataclass(frozen=True, slots=True)
class DeepProfile:
    """One mode in the profile pass once more, with perf attached: stacks from the line of Python down into the kernel.

    cell: None where perf could not be attached, and so nothing ran. folded: the name of a file in the run's folder, of
    stacks and how many samples saw each (profiles/profilers/folded_stacks.py), or the reason why there is none. A sample stands for
    1/rate_hz seconds of CPU time; they were taken for counted_s of the cell. python: where the frames of Python come
    from, the interpreter's trampoline for perf or py-spy's samples of the same load; None where there are none.
    """

    mode: str
    cell: Cell | None
    folded: str | None
    rate_hz: int = 0
    counted_s: float = 0.0
    python: PythonFrames | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """One mode once more with more users than the run's, outside the score: was the server the limit? (method.md §6)"""

    cell: Cell
    users: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What a mode really did, in the prove pass (profiles/checks/prove_mode.py). None is "unknown".

    model_copies: CPU copies per byte that the mode's model draws, None for a guest, which has no model;
    model_read_copies: those of them on the read side. read_copies: measured, per byte, on the read side.
    by_reference_share: of bytes that went to the socket by reference, by the mutation witness. wrong: ranges of the
    file (offset+count) whose bytes arrived wrong, by their digest. completions: what the kernel said of MSG_ZEROCOPY
    sends, and how many of them it copied after all. calls_per_gib: system calls by name. unknown: what of a guest could
    not be seen from outside, and why. software: what a guest calls itself (its Server header), like nginx/1.22.1.
    """

    mode: str
    state: Literal["available", "degraded", "missing"]
    model_copies: int | None
    read_copies: float | None = None
    by_reference_share: float | None = None
    completions: int | None = None
    copied_completions: int | None = None
    calls_per_gib: dict[str, float] | None = None
    calls_reason: str | None = None
    reason: str | None = None
    wrong: tuple[str, ...] = ()
    model_read_copies: int | None = None
    unknown: str | None = None
    software: str | None = None

    @property
    def sent_copies(self) -> float | None:
        """CPU copies per byte of sending, 0 to 1: by the witness, and by what the kernel said."""
        if self.by_reference_share is None:
            return None
        copied = self.copied_completions / self.completions if self.completions and self.copied_completions else 0.0
        return max(1 - self.by_reference_share, copied)

    @property
    def measured_copies(self) -> float | None:
        """CPU copies per byte: those of reading, and those of sending."""
        if self.read_copies is None or self.sent_copies is None:
            return None
        return self.read_copies + self.sent_copies

    @property
    def contradiction(self) -> str | None:
        """Why the mode did not do what it is named after; None when it did, or when nobody knows."""
        if self.wrong:
            return f"wrong bytes arrived in {', '.join(self.wrong)}"
        measured = self.measured_copies
        if measured is None or self.model_copies is None:
            return None
        if abs(measured - self.model_copies) < COPIES_TOLERANCE:
            return self._at_another_place()
        if self.completions and self.copied_completions:
            return f"the kernel copied {self.copied_completions:,} of {self.completions:,} sends after all"
        return f"{measured:.2f} CPU copies per byte were measured, its model has {self.model_copies}"

    def _at_another_place(self) -> str | None:
        """As many copies as in the model, but not where it has them."""
        of_reading, measured = self.model_read_copies, self.read_copies
        if (
            self.model_copies is None
            or of_reading is None
            or measured is None
            or abs(measured - of_reading) < COPIES_TOLERANCE
        ):
            return None
        return (
            f"{measured:.2f} CPU copies per byte of reading and {self.sent_copies:.2f} of sending were measured, its "
            f"model has {of_reading} and {self.model_copies - of_reading}"
        )


CodeStep = Literal["receive", "name", "answer", "send"]


@dataclass(frozen=True, slots=True)
class Code:
    """A piece of the servers' own code as it was when the run began (profiles/agent/source_excerpts.py).

    step: receive a request, find the file's name in it, answer, or send the file; only that differs from mode to mode.
    mode: whose it is, None for all. path: of the file it stands in, from the project's top; line: its first one there.
    """

    step: CodeStep
    mode: str | None
    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Sample:
    """Counters of one process at one moment, as they stood (cumulative); t_s since the run began.

    process: a target's name, "load" for the load generator, "machine" for the whole machine (user_s, system_s,
    idle_s, steal_s summed over cores) or "sampler" for the sampler's own cost (cpu_s).
    """

    t_s: float
    process: str
    pid: int
    values: dict[str, float | None]
