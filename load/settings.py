"""What a campaign was asked for, and the record that says so (method.md §8).

Its rule: whatever changes a number stands here, and so in run.json.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version

from load.cell import DERIVED
from load.client import Sink
from load.placement import Placement, choose
from profiles.protocol import Facts
from profiles.records import Run


@dataclass(frozen=True, slots=True)
class Settings:
    """What a campaign was asked for. named: the modes were asked for by name, so that a missing one is an error and
    not skipped. options: per mode, in bytes. gib_per_day: see Run. command: what repeats the run."""

    modes: tuple[str, ...]
    named: bool
    rounds: int
    window_s: float
    warm_up_s: float
    profile_s: int
    users: int
    sink: Sink
    seed: int
    command: str
    options: dict[str, dict[str, int]] = field(default_factory=dict)
    gib_per_day: float | None = None
    any_port: bool = False
    placement: Placement = field(default_factory=lambda: choose(set(), wanted=False))

    @property
    def expected_s(self) -> float:
        """How long it will take, about: for a progress bar."""
        cells = self.rounds * len(self.modes)
        return cells * (self.warm_up_s + self.window_s) + len(self.modes) * (self.warm_up_s + self.profile_s)


def run_record(
    settings: Settings, name: str, order: tuple[tuple[str, ...], ...], skipped: dict[str, str], facts: Facts
) -> Run:
    """The record of a run that begins now. facts: what the agent says of targets, metrics, file and machine."""
    chosen = [target for target in facts.targets if target.name in settings.modes]
    options = settings.options
    return Run(
        name=name,
        state="running",
        started_at=now(),
        command=settings.command,
        question="saturated",
        seed=settings.seed,
        order=order,
        baseline=settings.modes[0],
        users=settings.users,
        sink=settings.sink,
        warm_up_s=settings.warm_up_s,
        window_s=settings.window_s,
        sample_interval_s=facts.sample_interval_s,
        file=facts.file,
        targets=tuple(replace(target, options=target.options | options.get(target.name, {})) for target in chosen),
        metrics=(*facts.metrics, *DERIVED),
        skipped=skipped,
        gib_per_day=settings.gib_per_day,
        host=facts.host | {"pinning": settings.placement.text},
        software=facts.software | {"locust": version("locust")},
    )


def now() -> str:
    """The time of day as ISO 8601, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
