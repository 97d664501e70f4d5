"""In a real browser: the class page fits on a laptop and a phone, and a hostile class gets nothing run."""

import pytest

from reports.class_page import page
from reports.class_page.results import results
from tests import browser
from tests.browser import Browser
from tests.reports.class_page import classroom
from tests.reports.class_page.test_hand_ins import line_of
from tests.reports.test_hostile import HOSTILE

pytestmark = [pytest.mark.browser, browser.needed]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a class in which one student's facts and file name are an attack."""
    folder = tmp_path_factory.mktemp("class")
    for number, factor in enumerate(classroom.factors(4, 0.2)):
        classroom.hand_in(folder, number, factor=factor)
    host = {"cpu_model": HOSTILE, "virtualisation": HOSTILE, "kernel": HOSTILE, "fsrm": HOSTILE}
    classroom.hand_in(folder, 4, name=HOSTILE.replace("/", "")[:50], host=host, software={"python": HOSTILE})
    (folder / "lines.txt").write_text(f"{HOSTILE}\n{line_of({'copies': '4', 'cost': '0.5'})}\n")
    return page.write_class(results(str(folder)), folder / "out").as_uri()


@pytest.mark.parametrize("width", [390, 1366])
def test_the_page_fits_its_charts_come_alive_and_nothing_else_runs(shared: Browser, url: str, width: int) -> None:
    shared.complaints()
    shared.show(url, width, 900)
    shared.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    charts = "[...document.querySelectorAll('figure.chart')]"
    assert shared.run(f"return {charts}.length") == 6
    for number in range(6):
        shared.run(f"{charts}[{number}].scrollIntoView()")
        shared.wait_for(f"{charts}[{number}].classList.contains('ready')")
    assert shared.run("return document.documentElement.scrollWidth") <= width
    assert shared.complaints() == [] and shared.driver.title == "What a class measured"
