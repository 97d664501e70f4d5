"""What a campaign was asked for, and the record that says so (docs/method.md §8).

Its rule: whatever changes a number stands here, and so in run.json.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Literal

from load.campaign.cell import BETWEEN_HOSTS, DERIVED
from load.campaign.cpu_pinning import Placement, choose
from load.users.connection import SOCKET_OPTIONS, Sink
from load.users.pacing import SATURATED, OfferedRate, PaceSpec, format_pace
from profiles.agent.access import Address
from profiles.protocol import Facts, FileState
from profiles.store.records import Run
from profiles.store.run_facts import FileFacts
from profiles.targets.variants import Variant

Cache = Literal["warm", "cold", "both"]

SLICE_S = 0.1
PACED_SLICE_S = 1.0
ROUND_S = 6.0  # a round has as many mirrored sweeps as fit into about this


@dataclass(frozen=True, slots=True)
class Settings:
    """What a campaign was asked for.

    modes: the names of what is judged, in this order. variants: what each of measured_modes is. named: the modes
    were asked for by name, so that a missing one is an error and not skipped. rounds: at most. slice_s: the least
    length of a slice; None: as the question asks. window_s: measured per mode and round, in slices; 0: as fits round_s.
    warm_up_s: of whole cycles, at least one. seconds: the limit of time for the rounds. quick: exploratory. precision:
    the half-width of the intervals at which it stops, 0 for never. retries: how many rounds may be repeated, as a
    multiple of rounds. calibrate: measure the A/A floor. pace: what was asked for in all, one question or both; rate:
    what this campaign offers to every mode, None for as fast as it goes. cache: a cold slice is one download, by one
    user, of a file that was dropped from the page cache; both: variants say which. workers: over how many processes
    the users are spread, 0 for this one; master: where it listens for workers that are started elsewhere, None to
    start them here. gib_per_day: see Run. command: what repeats the run, but for its pace. baseline: one of the modes;
    empty for the first of them.
    """

    modes: tuple[str, ...]
    variants: Mapping[str, Variant]
    rounds: int
    users: int
    sink: Sink
    command: str
    named: bool = True
    slice_s: float | None = None
    window_s: float = 0.0
    warm_up_s: float = 0.0
    round_s: float = ROUND_S
    seconds: float | None = None
    quick: bool = False
    profile_s: float = 0
    seed: int = 0
    gib_per_day: float | None = None
    any_port: bool = True
    precision: float = 0.0
    retries: int = 0
    calibrate: bool = False
    pace: PaceSpec = SATURATED
    rate: OfferedRate | None = None
    cache: Cache = "warm"
    baseline: str = ""
    workers: int = 0
    master: Address | None = None
    placement: Placement = field(default_factory=lambda: choose(set(), wanted=False))

    @property
    def reference(self) -> str:
        """The mode that the others are compared with."""
        return self.baseline or self.modes[0]

    @property
    def duplicate(self) -> str | None:
        """The name of the baseline's duplicate, which measures the A/A floor; None without calibration."""
        return self.variants[self.reference].again.name if self.calibrate else None

    @property
    def measured_modes(self) -> tuple[str, ...]:
        return self.modes if self.duplicate is None else (*self.modes, self.duplicate)

    def mode_of(self, name: str) -> str:
        return self.variants[name].mode

    def options_of(self, name: str) -> dict[str, int]:
        """In bytes; the mode's defaults hold for all others."""
        return dict(self.variants[name].options)

    def is_cold(self, name: str) -> bool:
        """Whether the file is dropped from the page cache before each slice of this mode."""
        return self.variants[name].is_cold if self.cache == "both" else self.cache == "cold"

    @property
    def load_cpus(self) -> int:
        """How many CPUs the load can keep busy: each of its processes is one thread."""
        processes = max(1, self.workers)
        return min(processes, len(self.placement.load_cpus) or processes) if self.master is None else processes

    @property
    def is_probed(self) -> bool:
        """Paced runs and cold cells, which have one user, need no probe; a quick run has no time for it."""
        return self.rate is None and self.cache == "warm" and not self.quick

    @property
    def least_slice_s(self) -> float:
        """docs/method.md §2 says why."""
        return self.slice_s or (SLICE_S if self.rate is None else PACED_SLICE_S)

    @property
    def repeating_command(self) -> str:
        return self.command if self.pace == SATURATED else f"{self.command} PACE={shlex.quote(format_pace(self.pace))}"


def run_record(
    settings: Settings, name: str, skipped: dict[str, str], facts: Facts, order: tuple[tuple[str, ...], ...] = ()
) -> Run:
    """The record of a run that begins now. facts: what the agent says of targets, metrics, file and machine. order: of
    rounds that are known already."""
    targets = {target.name: target for target in facts.targets}
    measured = [settings.variants[name] for name in settings.measured_modes]
    allowed = len(str(facts.host.get("affinity")).split(","))
    # Unpinned, servers may use every CPU but the one that a client on their machine, a single thread, keeps busy.
    unpinned = allowed if facts.load_host else max(1, allowed - 1)
    server_cpus = len(settings.placement.server_cpus) or unpinned
    return Run(
        name=name,
        state="running",
        started_at=now(),
        command=settings.repeating_command,
        question="saturated" if settings.rate is None else "paced",
        seed=settings.seed,
        order=order,
        baseline=settings.reference,
        users=settings.users,
        sink=settings.sink,
        warm_up_s=settings.warm_up_s,
        window_s=settings.window_s,
        sample_interval_s=facts.sample_interval_s,
        file=facts.file,
        targets=tuple(variant.facts_of(targets[variant.mode]) for variant in measured),
        metrics=(*facts.metrics, *DERIVED, *(BETWEEN_HOSTS if "servers_on" in facts.host or settings.workers else ())),
        skipped=skipped,
        gib_per_day=settings.gib_per_day,
        rounds_planned=settings.rounds,
        slice_s=settings.least_slice_s,
        seconds=settings.seconds,
        quick=settings.quick,
        precision=settings.precision,
        duplicate=settings.duplicate,
        cache=settings.cache,
        host=facts.host
        | {"pinning": settings.placement.text, "server_cpus": server_cpus, "load_cpus": settings.load_cpus}
        | {"client_socket_options": SOCKET_OPTIONS},
        software=facts.software | {"locust": version("locust")},
        load_host=facts.load_host,
        workers=settings.workers,
    )


def after(file: FileFacts, state: FileState) -> FileFacts:
    """The facts of the served file, with what is known of it at the end. What was found once stays found."""
    changed, rewritten = file.changed or state.changed, file.rewritten or state.rewritten
    return replace(file, resident_share_after=state.resident_share, changed=changed, rewritten=rewritten)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
