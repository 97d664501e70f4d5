"""The course's diagram of a data path, drawn from the facts of a mode: who copies every byte, and where to.

Its rule: it shows the *model* that is recorded in the run, and what was measured. Colour is never the only sign: every
arrow has its number and the word CPU, DMA or encryption, a tick if it was confirmed and a cross if it was contradicted;
a copy that was measured but is not in the model has a plus instead of a number.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from markupsafe import Markup

from profiles.store.proof import Proof
from profiles.store.run_facts import TargetFacts
from reports.analysis.copies import Step, steps
from reports.analysis.text import number
from reports.templating import fragment

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand. lanes: name, x, y, width, height, and the y of the name. places: the centres of the boxes;
    names: what stands in a box, where that is not the place's own name."""

    width: int
    height: int
    box: tuple[int, int]
    lanes: tuple[tuple[str, int, int, int, int, int], ...]
    places: Mapping[str, Place]
    names: Mapping[str, str]


OURS = Layout(
    330,
    302,
    (112, 36),
    (
        ("user space", 1, 8, 328, 66, 22),
        ("kernel", 1, 82, 328, 90, 96),
        ("hardware", 1, 180, 328, 114, 286),
    ),
    {
        "user buffer": (165, 46),
        "page cache": (84, 138),
        "socket buffer": (246, 138),
        "disk": (84, 248),
        "NIC": (246, 248),
    },
    {},
)
# The chapter has user space on the left, and on the right the kernel with the server's storage and the network card.
CHAPTER = Layout(
    380,
    262,
    (96, 36),
    (("user space", 1, 8, 112, 246, 24), ("kernel space", 119, 8, 260, 246, 24)),
    {
        "user buffer": (57, 134),
        "page cache": (178, 72),
        "socket buffer": (178, 200),
        "disk": (320, 72),
        "NIC": (320, 200),
    },
    {"user buffer": "buffer", "page cache": "buffer", "socket buffer": "NIC buffer", "disk": "storage"},
)

MARKS = {"confirmed": " ✓", "contradicted": " ✗", "measured only": "", "model only": ""}
LABEL_HEIGHT, LETTER_WIDTH, LABEL_PADDING = 20, 6.7, 16


@dataclass(frozen=True, slots=True)
class Box:
    name: str
    x: float
    y: float
    used: bool


@dataclass(frozen=True, slots=True)
class Arrow:
    """A step, from edge to edge of its boxes; (label_x, label_y) is the middle of its label."""

    label: str
    by: str
    finding: str
    x1: float
    y1: float
    x2: float
    y2: float
    label_x: float
    label_y: float

    @property
    def label_width(self) -> float:
        return LETTER_WIDTH * len(self.label) + LABEL_PADDING


def picture(name: str, target: TargetFacts, proof: Proof | None = None) -> Markup:
    """The mode's diagram as SVG. name: unique on the page. proof: what was measured, if anything was."""
    drawn = steps(target, proof)
    return _drawn(name, f"{target.name}: {summary(target)}", drawn, OURS, list(_arrows(drawn, OURS)))


def chapter_picture(name: str, target: TargetFacts) -> Markup:
    """The model as the course's chapter draws it: a numbered arrow for each copy, whoever makes it."""
    drawn = tuple(step for step in steps(target, None) if step.source != step.destination)
    arrows = [replace(arrow, label=str(n), by="copy") for n, arrow in enumerate(_arrows(drawn, CHAPTER), 1)]
    copies = sum(step.by != "encryption" for step in drawn)
    return _drawn(name, f"{target.name}: {copies} {'copy' if copies == 1 else 'copies'}", drawn, CHAPTER, arrows)


def _drawn(name: str, title: str, drawn: tuple[Step, ...], layout: Layout, arrows: list[Arrow]) -> Markup:
    used = {place for step in drawn for place in (step.source, step.destination)}
    boxes = [Box(layout.names.get(at, at), x, y, at in used) for at, (x, y) in layout.places.items()]
    in_words = ", then ".join(step.in_words for step in drawn if step.agreement != "measured only") or "no copy"
    besides = "".join(f"; also {step.in_words}" for step in drawn if step.agreement == "measured only")
    return fragment(
        "data_path.html",
        name=name,
        title=f"{title}: {in_words}{besides}",
        layout=layout,
        label_height=LABEL_HEIGHT,
        boxes=boxes,
        arrows=arrows,
    )


def summary(target: TargetFacts) -> str:
    """4 copies of every byte: 2 by the CPU, 2 by DMA"""
    by_cpu, by_dma = target.cpu_copies, sum(step.by == "dma" for step in target.copies)
    copies = f"{by_cpu + by_dma} {'copy' if by_cpu + by_dma == 1 else 'copies'} of every byte"
    return f"{copies}: {by_cpu} by the CPU, {by_dma} by DMA{''.join(_encryptions(target))}"


def _encryptions(target: TargetFacts) -> Iterator[str]:
    for step in target.copies:
        if step.by == "encryption":
            within = step.source == step.destination
            yield f"; encrypted within the {step.source}" if within else "; encrypted on the way by the CPU"


def _arrows(drawn: tuple[Step, ...], layout: Layout) -> Iterator[Arrow]:
    """Steps between the same two boxes are drawn side by side; a step within a box is drawn outside it."""
    seen: dict[frozenset[str], int] = {}
    for place, step in enumerate(drawn, 1):
        between: frozenset[str] = frozenset((step.source, step.destination))
        aside = 30 * seen.get(between, 0)
        seen[between] = seen.get(between, 0) + 1
        within = step.source == step.destination
        line = _within(step, aside, layout) if within else _from_edge_to_edge(step, aside, layout)
        yield Arrow(_label(place, step), step.by, step.agreement.replace(" ", "-"), *line)


def _label(place: int, step: Step) -> str:
    """2 CPU ✓, 3 encryption, +1 CPU"""
    by = step.by if step.by == "encryption" else step.by.upper()
    first = f"+{number(round(step.copies, 2))}" if step.agreement == "measured only" else str(place)
    return f"{first} {by}{MARKS[step.agreement]}"


DiagramArrow = tuple[float, float, float, float, float, float]


def _within(step: Step, aside: float, layout: Layout) -> DiagramArrow:
    x, y = layout.places[step.source]
    beside = y - 34 - aside if step.source == "user buffer" else y + 34 + aside  # where no other arrow ends
    return x - 62, beside, x + 62, beside, x, beside


def _from_edge_to_edge(step: Step, aside: float, layout: Layout) -> DiagramArrow:
    (x1, y1), (x2, y2) = layout.places[step.source], layout.places[step.destination]
    length = math.hypot(x2 - x1, y2 - y1)
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    to_edge = _to_edge(ux, uy, layout.box)
    start, end = to_edge + 2, length - to_edge - 4
    from_x, from_y = x1 + ux * start - uy * aside, y1 + uy * start + ux * aside
    to_x, to_y = x1 + ux * end - uy * aside, y1 + uy * end + ux * aside
    below = 31 if from_y == to_y else 0  # between two boxes side by side there is no room for a label
    return from_x, from_y, to_x, to_y, (from_x + to_x) / 2, (from_y + to_y) / 2 + below


def _to_edge(ux: float, uy: float, box: tuple[int, int]) -> float:
    """The distance from the middle of a box to its edge in this direction."""
    width, height = box
    return min(width / 2 / abs(ux) if ux else math.inf, height / 2 / abs(uy) if uy else math.inf)
