"""The users of a round that are in this process: of every mode the same number, behind a gate for each mode.

Its rule: a slice of a mode is one opening of its gate, and what it brought is known when all of its users are back.
"""

import itertools
import resource
import time
from collections.abc import Sequence

from load.users.gate import Gate
from load.users.locust_users import DownloadUser
from load.users.meter import Meter
from load.users.slice_counts import SliceCounts


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
        """Open the gate of a mode, and wait until all its users are back. Before the first time, those of a worker may
        still be on their way to it."""
        gate, meter, ends_s = self._gates[name], self._classes[name].meter, time.monotonic() + within_s
        received_bytes, downloads, failures = meter.received_bytes, meter.downloads, meter.failures
        back = gate.wait_until_at_rest(within_s)
        if back:
            gate.open(cycles)
            back = gate.wait_until_at_rest(max(0.0, ends_s - time.monotonic()))
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
