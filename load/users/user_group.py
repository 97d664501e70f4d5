"""The users of a round that are in this process: of every mode the same number, behind a gate for each mode.

Its rule: a slice of a mode is one opening of its gate, and what it brought is known when all of its users are back.
"""

import itertools
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from load.users.gate import Gate
from load.users.locust_users import DownloadUser
from load.users.meter import Meter


@dataclass(frozen=True, slots=True)
class SliceCounts:
    """What the users of a mode did in one slice, in one process or in all. wall_s: from the gate's opening to the last
    byte. late_s: how late the last downloads began, at a pace. cpu: of workers, CPU seconds by metric name. timed_out:
    some users never came back."""

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


class UserGroup:
    """Made before Locust starts the users, whose classes it prepares. users: of each class, in this process. rate: in
    bytes per second, of all users of a mode in all processes; None for saturated. of: how many they are in all.
    first, step: the numbers of this process's users among those. gated: whether users wait for turns at all."""

    def __init__(
        self,
        classes: Sequence[type[DownloadUser]],
        users: int,
        rate: int | None,
        *,
        gated: bool,
        of: int | None = None,
        first: int = 0,
        step: int = 1,
    ) -> None:
        self._classes = {one.target: one for one in classes}
        self._gates = {name: Gate(users) for name in self._classes} if gated else {}
        for name, one in self._classes.items():
            one.offer(rate, of or users, itertools.count(first, step))
            one.gate = self._gates.get(name)

    def wait_until_at_rest(self, within_s: float) -> bool:
        """Whether every user has come to its gate within this time."""
        ends_s = time.monotonic() + within_s
        return all(gate.wait_until_at_rest(max(0.0, ends_s - time.monotonic())) for gate in self._gates.values())

    def run_slice(self, name: str, cycles: int, within_s: float) -> SliceCounts:
        """Open the gate of a mode, and wait until all its users are back."""
        gate, meter = self._gates[name], self._classes[name].meter
        received_bytes, downloads, failures = meter.received_bytes, meter.downloads, meter.failures
        gate.open(cycles)
        back = gate.wait_until_at_rest(within_s)
        return SliceCounts(
            wall_s=gate.wall_s if back else within_s,
            received_bytes=meter.received_bytes - received_bytes,
            downloads=meter.downloads - downloads,
            failures=meter.failures - failures,
            late_s=gate.late_s,
            timed_out=not back,
        )

    def reset(self) -> None:
        """Failures and latencies count from here."""
        for meter in self.meters.values():
            meter.reset()

    @property
    def meters(self) -> dict[str, Meter]:
        return {name: one.meter for name, one in self._classes.items()}

    def counts(self) -> tuple[int, int]:
        """Bytes and downloads that all users have received by now."""
        meters = self.meters.values()
        return sum(meter.received_bytes for meter in meters), sum(meter.downloads for meter in meters)


def own_cpu() -> dict[str, float]:
    """CPU seconds of this process by metric name."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu_s": time.process_time(), "user_s": spent.ru_utime, "system_s": spent.ru_stime}
