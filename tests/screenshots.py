"""make screenshots: the README's pictures: the report of a real run (RUN=name, default: the latest) and the live page
under a real load.

Its rule: pictures show real pages of real runs. The report is built anew, so that pictures match the code; a picture
that is too large for a README is an error.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from errors import EXIT_DONE, CommandParser, UserError, run_command
from reports import page, run_data, terminal
from reports.students.page import STUDENTS_FILE
from servers import payload
from tests import browser
from tests.browser import Browser
from tests.load.locust_process import serving
from units import MIB

WIDTH_PX, MARGIN_PX = 1240, 12
LIVE_WIDTH_PX, LIVE_HEIGHT_PX = 1360, 1040
LIVE_FILE_BYTES, LIVE_S = 64 * MIB, 50
MOST_BYTES = 300_000


def main() -> int:
    parser = CommandParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("run", metavar="RUN", nargs="?", help="name of the run (default: the latest complete run)")
    parser.add_argument("--runs-folder", type=Path, default=Path("profiles/out"), help="where runs lie (%(default)s)")
    parser.add_argument("--pictures", type=Path, default=Path("docs"), help="where to write (%(default)s)")
    arguments = parser.parse_args()
    if reason := browser.missing():
        raise UserError(reason)
    with tempfile.TemporaryDirectory() as folder, browser.browser() as chromium:
        run, path = page.report(run_data.find(arguments.runs_folder, arguments.run or None), Path(folder))
        terminal.show(run)
        for name, take in PICTURES.items():
            _keep(arguments.pictures / f"{name}.png", take(chromium, path))
        _keep(arguments.pictures / "ui.png", live_page(chromium, Path(folder)))
    return EXIT_DONE


def _keep(path: Path, picture: bytes | None) -> None:
    if picture is None:
        print(f"{path}: this run has nothing to show there; the old picture stays")
        return
    if len(picture) > MOST_BYTES:
        raise UserError(f"{path} would have {len(picture):,} bytes, too many for a README: show less in it")
    path.write_bytes(picture)
    print(f"{path}: {len(picture):,} bytes")


def first_screen(chromium: Browser, report: Path) -> bytes:
    """From the top to the end of the key numbers."""
    chromium.show(report.as_uri(), WIDTH_PX)
    chromium.wait_for("document.querySelector('#forest figure.ready') !== null")
    return chromium.picture(WIDTH_PX, _edge(chromium, "#summary", "bottom") + MARGIN_PX)


def flame_graph(chromium: Browser, report: Path) -> bytes | None:
    """The first mode's, where perf could draw one."""
    chromium.show(report.as_uri(), WIDTH_PX)
    chromium.run("document.querySelector('#flame_graphs').closest('details').open = true")
    if not chromium.all("#flame_graphs .flames"):
        return None
    chromium.run("document.querySelector('#flame_graphs .flames').scrollIntoView()")
    chromium.wait_for("document.querySelector('#flame_graphs .flames svg g.frame') !== null")
    return _element(chromium, "#flame_graphs .flames")


def difference(chromium: Browser, report: Path) -> bytes | None:
    """The second mode against the first, in both directions."""
    chromium.show(report.as_uri(), WIDTH_PX)
    if not chromium.all("#differences"):
        return None
    chromium.run("document.querySelector('#differences').closest('details').open = true")
    chromium.run("document.querySelector('#differences').scrollIntoView({behavior: 'instant'})")
    chromium.wait_for("document.querySelectorAll('.difference .flames svg:has(g.frame)').length === 2")
    return _element(chromium, "#differences .difference")


def students(chromium: Browser, report: Path) -> bytes:
    """A question with a guess that was wrong, as most are, and what was measured."""
    chromium.show(report.with_name(STUDENTS_FILE).as_uri(), WIDTH_PX)
    question = chromium.find("#predict .question")
    question.find_element("css selector", "input[value='2']").click()
    question.find_element("css selector", "details.reveal summary").click()
    chromium.wait_for("arguments[0].querySelector('.said').textContent", question)
    return _element(chromium, "#predict .question")


def live_page(chromium: Browser, folder: Path) -> bytes:
    """Three data paths under load, for as long as a chart of a minute takes to fill."""
    payload.make(folder, LIVE_FILE_BYTES, lambda _: None)
    with serving(folder) as bench:
        chromium.show(bench.url(), LIVE_WIDTH_PX, LIVE_HEIGHT_PX)
        chromium.run("sessionStorage.clear()")
        chromium.show(bench.url(), LIVE_WIDTH_PX, LIVE_HEIGHT_PX)
        chromium.wait_for("document.getElementById('doing').className === 'doing nothing'")
        chromium.find("#start").click()
        for seconds in range(10, LIVE_S + 1, 10):  # a wait_for() is not as patient as that
            chromium.wait_for(f"Number(document.querySelector('[data-chart=cost]').dataset.points) >= {2 * seconds}")
        return chromium.picture(LIVE_WIDTH_PX, LIVE_HEIGHT_PX)


PICTURES: dict[str, Callable[[Browser, Path], bytes | None]] = {
    "report": first_screen,
    "flamegraph": flame_graph,
    "difference": difference,
    "students": students,
}


def _element(chromium: Browser, selector: str) -> bytes:
    top = _edge(chromium, selector, "top") - MARGIN_PX
    return chromium.picture(WIDTH_PX, _edge(chromium, selector, "bottom") + MARGIN_PX - top, top)


def _edge(chromium: Browser, selector: str, edge: str) -> int:
    """An edge of an element, in pixels from the top of the page."""
    script = "return Math.round(document.querySelector(arguments[0]).getBoundingClientRect()[arguments[1]] + scrollY)"
    return int(chromium.run(script, selector, edge))


if __name__ == "__main__":
    run_command(main)
