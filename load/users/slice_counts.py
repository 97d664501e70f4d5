"""What the users of a mode did in one slice, in one process or in all of them together."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SliceCounts:
    """wall_s: from the gate's opening to the last byte. late_s: how late the last downloads began, at a pace. cpu: of
    workers, CPU seconds by metric name. timed_out: some users never came back."""

    wall_s: float
    received_bytes: int
    downloads: int
    failures: int = 0
    late_s: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    timed_out: bool = False

    @classmethod
    def total(cls, parts: Sequence["SliceCounts"]) -> "SliceCounts":
        """Of several processes, whose gates opened at the same message."""
        return cls(
            wall_s=max(part.wall_s for part in parts),
            received_bytes=sum(part.received_bytes for part in parts),
            downloads=sum(part.downloads for part in parts),
            failures=sum(part.failures for part in parts),
            late_s=max(part.late_s for part in parts),
            cpu={name: sum(part.cpu[name] for part in parts) for name in parts[0].cpu},
            timed_out=any(part.timed_out for part in parts),
        )
