"""One ratio as a strip: a forest plot that is small enough for a line of text, drawn without a script or a library.

Its rule: it repeats what stands beside it in words, and so it is hidden from screen readers. The axis is logarithmic,
and what lies beyond its ends is drawn at the end.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.templating import fragment

WIDTH, HEIGHT = 150, 16
WIDEST = 32.0  # no axis reaches further from 1 than this


@dataclass(frozen=True, slots=True)
class LogScale:
    """From low to high, as ratios; 1 is always on it."""

    low: float
    high: float

    def x(self, ratio: float) -> float:
        """Where a ratio stands, in pixels from the left; at an end where it lies beyond."""
        share = math.log(ratio / self.low) / math.log(self.high / self.low)
        return round(4 + (WIDTH - 8) * min(1.0, max(0.0, share)), 1)


def axis(ratios: Sequence[float | None]) -> LogScale:
    """One that holds them all, as far as it may reach, and 1."""
    known = [min(WIDEST, max(1 / WIDEST, ratio)) for ratio in ratios if ratio is not None and ratio > 0]
    return LogScale(min([0.8, *(ratio / 1.1 for ratio in known)]), max([1.25, *(ratio * 1.1 for ratio in known)]))


def strip(on: LogScale, ratio: float, low: float | None, high: float | None, colour: str = "var(--ink)") -> Markup:
    """The estimate, and its interval where there is one. colour: of CSS."""
    ends = None if low is None or high is None else (on.x(low), on.x(high))
    return fragment(
        "interval_strip.html",
        width=WIDTH,
        height=HEIGHT,
        axis=on,
        one=on.x(1),
        at=on.x(ratio),
        ends=ends,
        colour=colour,
    )
