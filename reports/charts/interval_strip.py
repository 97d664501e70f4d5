"""A ratio and its interval as a small SVG strip that fits in a line of text.

Its rule: the text beside it says the same, so it is hidden from screen readers. The axis is logarithmic, and values
beyond its ends are drawn at the end.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.templating import fragment

WIDTH, HEIGHT = 150, 16
WIDEST = 32.0  # an axis reaches from 1/32 to 32 at most


@dataclass(frozen=True, slots=True)
class LogScale:
    """From low to high, as ratios; always includes 1."""

    low: float
    high: float

    def x(self, ratio: float) -> float:
        """Pixels from the left; clamped to the ends."""
        share = math.log(ratio / self.low) / math.log(self.high / self.low)
        return round(4 + (WIDTH - 8) * min(1.0, max(0.0, share)), 1)


def axis(ratios: Sequence[float | None]) -> LogScale:
    """A scale with room for all ratios, up to WIDEST, and 1."""
    known = [min(WIDEST, max(1 / WIDEST, ratio)) for ratio in ratios if ratio is not None and ratio > 0]
    return LogScale(min([0.8, *(ratio / 1.1 for ratio in known)]), max([1.25, *(ratio * 1.1 for ratio in known)]))


def strip(on: LogScale, ratio: float, low: float | None, high: float | None, colour: str = "var(--ink)") -> Markup:
    """The estimate, with its interval if there is one. colour: a CSS colour."""
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
