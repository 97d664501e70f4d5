"""An hour of points in bounded memory: every tick of the last minutes, and means over longer steps before that.

Its rule: a point is encoded once, when it comes, so that answering a poll is joining bytes, however many ask and
however long the history is. Numbers are cut to four digits: more cannot be seen in a chart.
"""

import secrets
from collections import deque
from collections.abc import Iterable, Sequence

import msgspec

from load.web.rates import Point, Values

FINE_POINTS = 600  # five minutes, twice a second
STEP = 10  # fine points in a coarse one: five seconds
COARSE_POINTS = 720  # an hour


class _Kept:
    """Encoded points, the newest last, and the number of the newest; the oldest go."""

    def __init__(self, most: int) -> None:
        self._points: deque[bytes] = deque(maxlen=most)
        self.last = 0

    def add(self, encoded: bytes) -> None:
        self._points.append(encoded)
        self.last += 1

    def after(self, number: int) -> list[bytes]:
        """Those that came after this number of them; all that are kept for a number that was never given."""
        fresh = self.last - number if 0 <= number <= self.last else len(self._points)
        return list(self._points)[-fresh:] if fresh else []


class PointHistory:
    """wall_offset_s: what makes the time of day of a moment of the monotonic clock."""

    def __init__(self, wall_offset_s: float) -> None:
        self._wall_offset_s = wall_offset_s
        self._epoch = secrets.token_hex(8)  # a history that begins anew has others
        self._pending: list[Point] = []
        self._fine = _Kept(FINE_POINTS)
        self._coarse = _Kept(COARSE_POINTS)

    def add(self, point: Point) -> None:
        self._fine.add(self._encoded(point))
        self._pending.append(point)
        if len(self._pending) == STEP:
            self._coarse.add(self._encoded(mean(self._pending)))
            self._pending.clear()

    def since(self, epoch: str, fine: int, coarse: int) -> bytes:
        """A JSON object: the fine and the coarse points after these numbers, and the numbers to ask with next.

        Numbers of another epoch mean nothing here: then it is everything.
        """
        if epoch != self._epoch:
            fine, coarse = -1, -1
        numbers = f'"last":[{self._fine.last},{self._coarse.last}],"epoch":"{self._epoch}"'
        return b'{"fine":[%b],"coarse":[%b],%b}' % (
            b",".join(self._fine.after(fine)),
            b",".join(self._coarse.after(coarse)),
            numbers.encode(),
        )

    def _encoded(self, point: Point) -> bytes:
        processes = {name: _short(values) for name, values in point.processes.items()}
        moment = round(point.moment_s + self._wall_offset_s, 2)
        return msgspec.json.encode({"t": moment, "p": processes, "m": _short(point.machine)})


def mean(points: Sequence[Point]) -> Point:
    """One point for several: of each number the mean of those that are known, at the moment of the last."""
    names = dict.fromkeys(name for point in points for name in point.processes)
    processes = {name: _means(point.processes[name] for point in points if name in point.processes) for name in names}
    return Point(points[-1].moment_s, processes, _means(point.machine for point in points))


def _means(rows: Iterable[Values]) -> Values:
    return tuple(_mean([value for value in column if value is not None]) for column in zip(*rows, strict=True))


def _mean(known: list[float]) -> float | None:
    return sum(known) / len(known) if known else None


def _short(values: Values) -> list[float | int | None]:
    """Four digits; whole where it is, which is shorter."""
    return [None if value is None else _whole(float(f"{value:.4g}")) for value in values]


def _whole(value: float) -> float | int:
    return int(value) if value == int(value) else value
