"""The course's picture of a data path, drawn from the facts of any mode: who copies every byte, and where to.

Its rule: it shows the *model* that travelled with the run, and says so. Colour never stands alone: every arrow
carries its number and the word CPU or DMA, and CPU copies are drawn thick, DMA ones dashed.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from profiles.records import TargetFacts
from reports.rendering import fragment

WIDTH, HEIGHT = 330, 302
BOX_WIDTH, BOX_HEIGHT = 112, 36
LANES = (("user space", 8, 66), ("kernel", 82, 90), ("hardware", 180, 114))

# The centres of the boxes: memory of the process above, of the kernel below it, the devices at the bottom.
PLACES = {
    "user buffer": (165, 46),
    "page cache": (84, 138),
    "socket buffer": (246, 138),
    "disk": (84, 248),
    "NIC": (246, 248),
}


@dataclass(frozen=True, slots=True)
class Box:
    name: str
    x: float
    y: float
    used: bool


@dataclass(frozen=True, slots=True)
class Arrow:
    """One copy, from edge to edge of its boxes; (label_x, label_y) is the middle of its label."""

    number: int
    by: str
    x1: float
    y1: float
    x2: float
    y2: float
    label_x: float
    label_y: float


def picture(name: str, target: TargetFacts) -> Markup:
    """The mode's picture as SVG. name: unique on the page."""
    copies = target.copies
    used = {place for copy in copies for place in (copy.source, copy.destination)}
    boxes = [Box(place, x, y, place in used) for place, (x, y) in PLACES.items()]
    steps = ", then ".join(f"{copy.by.upper()} from {copy.source} to {copy.destination}" for copy in copies)
    return fragment(
        "picture.html",
        name=name,
        title=f"{target.name}: {summary(target)}: {steps or 'no copy'}",
        width=WIDTH,
        height=HEIGHT,
        box=(BOX_WIDTH, BOX_HEIGHT),
        lanes=LANES,
        boxes=boxes,
        arrows=list(_arrows(target)),
    )


def summary(target: TargetFacts) -> str:
    """4 copies of every byte: 2 by the CPU, 2 by DMA"""
    count, by_cpu = len(target.copies), by_the_cpu(target)
    return f"{count} {'copy' if count == 1 else 'copies'} of every byte: {by_cpu} by the CPU, {count - by_cpu} by DMA"


def by_the_cpu(target: TargetFacts) -> int:
    return sum(copy.by == "cpu" for copy in target.copies)


def _arrows(target: TargetFacts) -> Iterator[Arrow]:
    """Copies between the same two boxes lie side by side; one within a box stands above it."""
    seen: dict[frozenset[str], int] = {}
    for number, copy in enumerate(target.copies, 1):
        between: frozenset[str] = frozenset((copy.source, copy.destination))
        aside = 30 * seen.get(between, 0)
        seen[between] = seen.get(between, 0) + 1
        (x1, y1), (x2, y2) = PLACES[copy.source], PLACES[copy.destination]
        length = math.hypot(x2 - x1, y2 - y1)
        if length == 0:
            yield Arrow(number, copy.by, x1 - 30, y1 - 34, x1 + 30, y1 - 34, x1, y1 - 34 - aside)
            continue
        ux, uy = (x2 - x1) / length, (y2 - y1) / length
        start, end = _to_edge(ux, uy) + 2, length - _to_edge(ux, uy) - 4
        from_x, from_y, to_x, to_y = x1 + ux * start, y1 + uy * start, x1 + ux * end, y1 + uy * end
        from_x, from_y, to_x, to_y = from_x - uy * aside, from_y + ux * aside, to_x - uy * aside, to_y + ux * aside
        yield Arrow(number, copy.by, from_x, from_y, to_x, to_y, (from_x + to_x) / 2, (from_y + to_y) / 2)


def _to_edge(ux: float, uy: float) -> float:
    """How far it is from the middle of a box to its edge in this direction."""
    return min(
        BOX_WIDTH / 2 / abs(ux) if ux else math.inf,
        BOX_HEIGHT / 2 / abs(uy) if uy else math.inf,
    )
