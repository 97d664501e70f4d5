"""A flame graph that stands still, for paper and for readers without JavaScript.

Its rule: it shows what the page's script draws (reports/assets/build/flames.js) as it is before anyone zooms, without
frames that are too narrow to see; a name stands only where it fits.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from reports.flames.tree import Tree

LEAST_SHARE = 0.005  # of the width
LEAST_NAMED = 0.03
MOST_LEVELS = 48  # of a page of paper
SAME = 0.05  # share of a frame's width; smaller differences cannot be seen
SIGNS = {
    "python": "py ",
    "c": "C ",
    "kernel": "k ",
    "copy": "cp ",
    "root": "",
    "more": "+ ",
    "less": "− ",
    "same": "= ",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """left, width: in percent of the picture. kind: a key of SIGNS. strength: of the colour of a difference, in
    percent."""

    name: str
    kind: str
    level: int
    left: float
    width: float
    strength: int


@dataclass(frozen=True, slots=True)
class Still:
    """caption: what it shows. cut: whether frames below the last level are missing."""

    caption: str
    frames: tuple[Frame, ...]
    levels: int
    cut: bool


def still(caption: str, tree: Tree, scale: float = 1.0, least_share: float = LEAST_SHARE) -> Still:
    """scale: the share of the width that the tree takes, so that two pictures have one scale."""
    percent_per_ms = 100 * scale / tree["value"] if tree["value"] else 0.0
    every = list(_frames(tree, 0, 0.0, percent_per_ms, 100 * least_share))
    shown = tuple(frame for frame in every if frame.level < MOST_LEVELS)
    levels = 1 + max((frame.level for frame in shown), default=0)
    return Still(caption, shown, levels, len(shown) < len(every))


def _frames(node: Tree, level: int, left: float, percent_per_ms: float, least: float) -> Iterator[Frame]:
    width = node["value"] * percent_per_ms
    if width < least:
        return
    kind, strength = _look(node)
    name = f"{SIGNS[kind]}{node['name']}" if width >= 100 * LEAST_NAMED else ""
    yield Frame(name, kind, level, round(left, 2), round(width, 2), strength)
    for child in node["children"]:
        yield from _frames(child, level + 1, left, percent_per_ms, least)
        left += child["value"] * percent_per_ms


def _look(node: Tree) -> tuple[str, int]:
    """The kind, and how strong its colour is."""
    value, delta = node["value"], node.get("delta")
    if delta is None:
        return node["kind"], 100
    strength = round(100 * min(1.0, abs(delta) / max(value, 1e-9)))
    return ("same" if node.get("chance") or abs(delta) < SAME * value else "more" if delta > 0 else "less"), strength
