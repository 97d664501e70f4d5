"""One self-contained HTML page out of the sections that are found.

Its rule: a section is a file in `sections/` with TITLE, ORDER and render(run); the page knows none by name.
The page loads nothing from anywhere: its Content-Security-Policy forbids it, and the browser enforces that.
"""

import contextlib
import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from markupsafe import Markup

import reports.sections
from errors import UserError
from profiles.run_folder import RunFolder
from reports.data import RunData, load
from reports.figure import vega_bundle
from reports.rendering import fragment, mode_colour

PAGE_FILE = "index.html"


class Section(Protocol):
    """What a file in `sections/` holds. An empty result leaves the section out; HALF = True may stand beside
    another such section where the page is wide enough."""

    TITLE: str
    ORDER: int

    def render(self, run: RunData) -> Markup: ...


@dataclass(frozen=True, slots=True)
class Rendered:
    name: str
    title: str
    half: bool
    body: Markup


def sections() -> list[tuple[str, Section]]:
    """All sections with their names, in their order."""
    names = [info.name for info in pkgutil.iter_modules(reports.sections.__path__)]
    found = [(name, cast(Section, importlib.import_module(f"reports.sections.{name}"))) for name in names]
    return sorted(found, key=lambda item: (item[1].ORDER, item[0]))


def page(run: RunData) -> str:
    bodies = [
        Rendered(name, section.TITLE, bool(getattr(section, "HALF", False)), section.render(run))
        for name, section in sections()
    ]
    colours = [(mode, mode_colour(index)) for index, mode in enumerate(run.measured.modes)]
    return fragment(
        "page.html",
        run=run.run,
        rounds=len(run.measured.rounds),
        colours=colours,
        sections=[item for item in bodies if item.body],
        vega=vega_bundle(),
    )


def write(run: RunData, folder: Path) -> Path:
    """Write the run's page into this folder, beside and renamed; returns its path."""
    path = folder / PAGE_FILE
    beside = path.with_name(f".{PAGE_FILE}.part")
    content = page(run).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.rename(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}: {error.strerror}; free some space or choose another folder") from error
    return path


def report(folder: RunFolder, reports_folder: Path) -> tuple[RunData, Path]:
    """The whole way: read the run, conclude, write the page into a folder that is called like the run's."""
    run = load(folder)
    return run, write(run, reports_folder / folder.path.resolve().name)
