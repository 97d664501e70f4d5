"""The report of a run: one self-contained HTML page made of the sections in `sections/`.

Its rule: the page knows no section by name, and it loads nothing: its Content-Security-Policy forbids that.
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
from profiles.store.files import write_file
from profiles.store.run_folder import RunFolder
from reports.analysis.text import plural
from reports.analysis.workload import label
from reports.charts.figure import vega_bundle
from reports.explanations import layout, users_of
from reports.mode_names import mode_colours, plain
from reports.run_data import RunData, read_run
from reports.students import page as students
from reports.templating import Rendered, fragment

PAGE_FILE = "index.html"
FOLD_FROM_ORDER = 100  # sections with a lower ORDER answer what docs/method.md §7 asks for, and are never folded
SINKS = {"discard": "the client discards the bytes", "copy": "the client copies the bytes into a buffer"}
FLAMES = Path(__file__).parent / "assets" / "flames.js"


class Section(Protocol):
    """A file in `sections/`. An empty result leaves the section out. Optional attributes:

    HALF_WIDTH: may be placed beside another such section on a wide page.
    PER_WORKLOAD: appears once for each workload of the run, saturated and paced (docs/method.md §2).
    NEEDS_PAIRING: compares modes, so it is left out where rounds were not paired.
    HINT: text beside the title of a folded section.
    QUICK_TITLE: title in an exploratory run, which has too few rounds for a verdict.
    """

    TITLE: str
    ORDER: int

    def render(self, run: RunData) -> Markup: ...


def sections() -> list[tuple[str, Section]]:
    """All sections by name, in their order."""
    names = [info.name for info in pkgutil.iter_modules(reports.sections.__path__)]
    found = [(name, cast(Section, importlib.import_module(f"reports.sections.{name}"))) for name in names]
    return sorted(found, key=lambda item: (item[1].ORDER, item[0]))


def page(run: RunData) -> str:
    bodies = [body for name, section in sections() for body in _rendered(name, section, run)]
    return fragment(
        "page.html",
        run=run.run,
        rounds=plural(len(run.dataset.rounds), "round"),
        layout=layout(run.run),
        users=users_of(run.run),
        paced=run.paced,
        paced_rounds=plural(len(run.paced.dataset.rounds), "round") if run.paced else "",
        no_paced=run.no_paced,
        sink=SINKS.get(run.run.sink, f"sink {run.run.sink}"),
        colours=[(mode, colour, mode != plain(mode)) for mode, colour in mode_colours(run.dataset.modes).items()],
        sections=[item for item in bodies if item.body],
        vega=vega_bundle(),
        flames=flames_bundle() if run.attachments else None,
        students=students.STUDENTS_FILE,
    )


def _rendered(name: str, section: Section, run: RunData) -> Iterator[Rendered]:
    """The section; one for each workload if it depends on that."""
    if run.interactive and getattr(section, "NEEDS_PAIRING", False):
        return
    half, each = (bool(getattr(section, flag, False)) for flag in ("HALF_WIDTH", "PER_WORKLOAD"))
    folded, hint = section.ORDER >= FOLD_FROM_ORDER, str(getattr(section, "HINT", ""))
    for answer in run.answers if each else (run,):
        asked = f" · {label(answer.run)}" if each and run.paced else ""
        title = getattr(section, "QUICK_TITLE", section.TITLE) if answer.run.quick else section.TITLE
        title, body = f"{title}{asked}", section.render(answer)
        yield Rendered(answer.on_page(name), title, half, body, folded, hint)


@cache
def flames_bundle() -> Markup:
    """d3-flame-graph and the script that uses it, bundled (reports/assets/build/)."""
    return Markup(FLAMES.read_text())


def write(run: RunData, folder: Path) -> Path:
    """Write the run's page, and the students' beside it unless the load was by hand; returns the path of the first."""
    if not run.interactive:
        students.write(run, folder)
    return write_file(folder / PAGE_FILE, page(run).encode())


def report(folder: RunFolder, reports_folder: Path, gib_per_day: float | None = None) -> tuple[RunData, Path]:
    """Read the run, conclude, and write the page into a folder with the run's name.

    gib_per_day: traffic to compute savings for; default: the run's.
    """
    run = read_run(folder)
    if gib_per_day is not None:
        run = replace(run, run=replace(run.run, gib_per_day=gib_per_day))
    return run, write(run, reports_folder / folder.name)
