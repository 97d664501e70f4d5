"""One self-contained HTML page out of the sections that are found.

Its rule: a section is a file in `sections/` with TITLE, ORDER and render(run); the page knows none by name.
The page loads nothing from anywhere: its Content-Security-Policy forbids it, and the browser enforces that.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Protocol, cast

from markupsafe import Markup

import reports.sections
from profiles.store.run_folder import RunFolder, write_file
from reports.analysis.workload import label
from reports.charts.figure import vega_bundle
from reports.run_data import RunData, load
from reports.students import page as students
from reports.templating import Rendered, fragment, mode_colour

PAGE_FILE = "index.html"
FOLD_FROM_ORDER = 100  # an ORDER: below it is what a report must answer at once (method.md §7), which is never folded
FLAMES = Path(__file__).parent / "assets" / "flames.js"


class Section(Protocol):
    """What a file in `sections/` holds. An empty result leaves the section out. HALF_WIDTH = True may stand beside
    another such section where the page is wide enough; PER_WORKLOAD = True stands once for every question that the
    run answers (method.md §2); NEEDS_PAIRING = True says something of one mode against another, and so is left out where
    nothing was paired; HINT is what stands beside the title of a folded one."""

    TITLE: str
    ORDER: int

    def render(self, run: RunData) -> Markup: ...


def sections() -> list[tuple[str, Section]]:
    """All sections with their names, in their order."""
    names = [info.name for info in pkgutil.iter_modules(reports.sections.__path__)]
    found = [(name, cast(Section, importlib.import_module(f"reports.sections.{name}"))) for name in names]
    return sorted(found, key=lambda item: (item[1].ORDER, item[0]))


def page(run: RunData) -> str:
    bodies = [body for name, section in sections() for body in _rendered(name, section, run)]
    colours = [(mode, mode_colour(index)) for index, mode in enumerate(run.measured.modes)]
    return fragment(
        "page.html",
        run=run.run,
        rounds=len(run.measured.rounds),
        paced=run.paced,
        no_paced=run.no_paced,
        colours=colours,
        sections=[item for item in bodies if item.body],
        vega=vega_bundle(),
        flames=flames_bundle() if run.attachments else None,
        students=students.STUDENTS_FILE,
    )


def _rendered(name: str, section: Section, run: RunData) -> Iterator[Rendered]:
    """The section; one for each question where it depends on the question, and two were asked."""
    if run.interactive and getattr(section, "NEEDS_PAIRING", False):
        return
    half, each = (bool(getattr(section, flag, False)) for flag in ("HALF_WIDTH", "PER_WORKLOAD"))
    folded, hint = section.ORDER >= FOLD_FROM_ORDER, str(getattr(section, "HINT", ""))
    for answer in run.answers if each else (run,):
        asked = f" · {label(answer.run)}" if each and run.paced else ""
        title, body = f"{section.TITLE}{asked}", section.render(answer)
        yield Rendered(answer.on_page(name), title, half, body, folded, hint)


@cache
def flames_bundle() -> Markup:
    """d3-flame-graph with what draws and steers our graphs, as one script (reports/assets/build/)."""
    return Markup(FLAMES.read_text())


def write(run: RunData, folder: Path) -> Path:
    """Write the run's page into this folder, and the students' beside it; returns the path of the first.

    A load by hand has nothing that a student could predict.
    """
    if not run.interactive:
        students.write(run, folder)
    return write_file(folder / PAGE_FILE, page(run).encode())


def report(folder: RunFolder, reports_folder: Path, gib_per_day: float | None = None) -> tuple[RunData, Path]:
    """The whole way: read the run, conclude, write the page into a folder that is called like the run's.

    gib_per_day: the traffic to count savings for, instead of the one that the run was given.
    """
    run = load(folder)
    if gib_per_day is not None:
        run = replace(run, run=replace(run.run, gib_per_day=gib_per_day))
    return run, write(run, reports_folder / folder.name)
