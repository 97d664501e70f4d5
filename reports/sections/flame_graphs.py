"""The flame graphs of the profile pass, usable in the page, with their stacks and the observer effect.

A flame graph carries a script of its own. It runs in a sandboxed frame of another origin, so that it can touch
nothing of the page.
"""

import base64
import re
from dataclasses import dataclass

from markupsafe import Markup

from profiles.records import Profile
from reports.data import RunData
from reports.rendering import fragment
from reports.text import UNKNOWN, number, times

TITLE = "Flame graphs"
ORDER = 120
HINT = "which lines the time went through"

BUDGET_BYTES = 1_200_000  # of a page that stays below 3 MB


@dataclass(frozen=True, slots=True)
class Flame:
    """One mode's: document is what the frame shows, stacks the raw text as a data: address."""

    mode: str
    observer: str
    document: str | None
    height_px: int
    stacks: str | None
    notes: tuple[str, ...]


def render(run: RunData) -> Markup:
    flames, left = [], BUDGET_BYTES
    for mode in run.measured.modes:
        profile = run.profile(mode)
        if profile is not None:
            flame, left = _flame(run, profile, left)
            flames.append(flame)
    missing = [mode for mode in run.measured.modes if run.profile(mode) is None]
    return fragment("flame_graphs.html", flames=flames, missing=missing)


def _flame(run: RunData, profile: Profile, left: int) -> tuple[Flame, int]:
    notes = [f"No flame graph: {profile.reason}"] if profile.reason else []
    document = stacks = None
    height_px = 0
    for name in (profile.svg, profile.raw):
        if name is None:
            continue
        content = run.attachments.get(name)
        if not content:
            notes.append(f"{name} is not in the run's folder, or is empty.")
        elif (size := 4 * len(content) // 3) > left:
            notes.append(f"{name} is too large to stand in this page; it lies in the run's folder.")
        else:
            left -= size
            if name == profile.svg:
                svg = content.decode(errors="replace")
                document, height_px = _document(svg), _height_px(svg)
            else:
                stacks = "data:text/plain;base64," + base64.b64encode(content).decode()
    return Flame(profile.cell.mode, _observer(run, profile), document, height_px, stacks, tuple(notes)), left


def _document(svg: str) -> str:
    """A document around py-spy's picture, without its XML head."""
    picture = svg[max(0, svg.find("<svg")) :]
    return str(fragment("flame_frame.html", svg=Markup(picture)))  # str: the page must escape it


def _height_px(svg: str) -> int:
    """As tall as the picture says it is, with the search field above it; within reason."""
    stated = re.search(r'<svg[^>]*\sheight="(\d+)"', svg)
    return min(900, max(160, int(stated[1]) + 48)) if stated else 480


def _observer(run: RunData, profile: Profile) -> str:
    """What the attached profiler did to the throughput: one figure beside the other (method.md §1)."""
    watched = profile.cell.metrics.get("gib_per_s")
    alone = run.measured.spread(profile.cell.mode, "gib_per_s")
    if watched is None or alone is None or alone.median <= 0:
        return f"Throughput with the profiler attached: {number(watched)} GiB/s; without: " + (
            UNKNOWN if alone is None else f"{number(alone.median)} GiB/s"
        )
    share = times(watched / alone.median) if watched > 0 else "0x"
    return f"{number(watched)} GiB/s with the profiler attached, {number(alone.median)} GiB/s in the score: {share}"
