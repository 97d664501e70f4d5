"""An hour of points in bounded memory: every point of the last minutes, and means over longer steps before that.
A round of a campaign is one point in both.

Its rule: a point is encoded once, when it comes, so that a poll only joins bytes. Numbers have four digits: a chart
shows no more.
"""

import secrets
import statistics
from collections import deque
from collections.abc import Iterable, Sequence

import msgspec

from load.web.rates import Point, Values

FINE_POINTS = 600  # five minutes, twice a second
STEP = 10  # fine points in a coarse one: five seconds
COARSE_POINTS = 720  # an hour


class PointHistory:
    """wall_offset_s: time of day minus monotonic clock."""

    def __init__(self, wall_offset_s: float) -> None:
        self._wall_offset_s = wall_offset_s
        self._epoch = secrets.token_hex(8)  # another one after a restart
        self._pending: list[Point] = []
        self._fine: deque[bytes] = deque(maxlen=FINE_POINTS)
        self._coarse: deque[bytes] = deque(maxlen=COARSE_POINTS)
        self._counts = (0, 0)  # of fine and coarse points, with those that are gone

    def add(self, point: Point) -> None:
        self._pending.append(point)
        step = [self._encoded(mean(self._pending))] if len(self._pending) == STEP else []
        self._append([self._encoded(point)], step)

    def add_round(self, point: Point) -> None:
        """Points that follow each other at long and uneven intervals are never averaged."""
        encoded = self._encoded(point)
        self._append([encoded], [*([self._encoded(mean(self._pending))] if self._pending else []), encoded])

    def _append(self, fine: Sequence[bytes], coarse: Sequence[bytes]) -> None:
        self._fine.extend(fine)
        self._coarse.extend(coarse)
        self._counts = (self._counts[0] + len(fine), self._counts[1] + len(coarse))
        if coarse:
            self._pending.clear()

    def since(self, epoch: str, fine: int, coarse: int) -> bytes:
        """A JSON object: the fine and the coarse points after these numbers, and the numbers for the next call.

        It holds everything for numbers of another epoch.
        """
        if epoch != self._epoch:
            fine, coarse = -1, -1
        last = self._counts
        numbers = f'"last":[{last[0]},{last[1]}],"epoch":"{self._epoch}"'
        return b'{"fine":[%b],"coarse":[%b],%b}' % (
            b",".join(_newest(self._fine, last[0], fine)),
            b",".join(_newest(self._coarse, last[1], coarse)),
            numbers.encode(),
        )

    def _encoded(self, point: Point) -> bytes:
        processes = {name: _short(values) for name, values in point.processes.items()}
        moment = round(point.moment_s + self._wall_offset_s, 2)
        return msgspec.json.encode({"t": moment, "p": processes, "m": _short(point.machine)})


def _newest(points: deque[bytes], count: int, seen: int) -> list[bytes]:
    """Those that came after the first `seen` of all; everything for a number that was never given."""
    return list(points)[max(0, len(points) - count + seen) :] if 0 <= seen <= count else list(points)


def mean(points: Sequence[Point]) -> Point:
    """One point for several, at the moment of the last: the means of the known values."""
    names = dict.fromkeys(name for point in points for name in point.processes)
    processes = {name: _means(point.processes[name] for point in points if name in point.processes) for name in names}
    return Point(points[-1].moment_s, processes, _means(point.machine for point in points))


def _means(rows: Iterable[Values]) -> Values:
    columns = ([value for value in column if value is not None] for column in zip(*rows, strict=True))
    return tuple(statistics.fmean(known) if known else None for known in columns)


def _short(values: Values) -> list[float | int | None]:
    """Four digits; whole numbers without a fraction, which is shorter."""
    rounded = (None if value is None else float(f"{value:.4g}") for value in values)
    return [int(value) if value is not None and value.is_integer() else value for value in rounded]
