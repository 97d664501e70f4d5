"""Every page can be read and used by everyone: axe finds no serious fault, however wide, and in light and dark."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from profiles.agent import source_excerpts
from reports import page
from reports.class_page import page as class_page
from reports.class_page.results import Results, results
from reports.comparison import comparison
from reports.comparison import page as comparison_page
from reports.history.entries import history
from reports.history.page import write_history
from reports.run_data import read_campaign
from reports.students.page import STUDENTS_FILE
from servers import payload
from tests import axe, browser
from tests.browser import Browser
from tests.conftest import PROJECT, SMALL_BYTES
from tests.load.locust_process import serving
from tests.reports import sliced, synthetic
from tests.reports.class_page import classroom
from tests.reports.class_page.test_hand_ins import line_of

pytestmark = [pytest.mark.browser, axe.needed]
MODES = ("read-send", "sendfile", "read-whole")
KINDS = ("report", "report of slices", "students", "comparison", "comparison of profiles", "runs", "class")
LOOKS = [(1280, False), (1280, True), (400, False)]
UNFOLD = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.browser() as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The address of each kind of page."""
    folder = tmp_path_factory.mktemp("axe")
    deep = synthetic.write(folder, synthetic.run(MODES, 6, name="deep"), deep=True)
    deep.append(*source_excerpts.read(PROJECT))
    synthetic.write(folder, synthetic.run(MODES, 6, name="after"), deep=True)
    plain = sliced.write(folder, sliced.run(MODES, name="plain"))
    report = page.report(deep, folder / "reports")[1]
    two, profiled = (
        comparison.compared(*(read_campaign(folder, name, whole=True) for name in ("deep", other)))
        for other in ("plain", "after")
    )
    return {
        "report": report.as_uri(),
        "report of slices": page.report(plain, folder / "reports")[1].as_uri(),
        "students": report.with_name(STUDENTS_FILE).as_uri(),
        "runs": write_history(history(folder), folder / "reports").as_uri(),
        "class": class_page.write_class(a_class(folder / "class"), folder / "reports").as_uri(),
        "comparison": comparison_page.write_comparison(two, folder / "reports").as_uri(),
        "comparison of profiles": comparison_page.write_comparison(profiled, folder / "reports").as_uri(),
    }


def a_class(folder: Path) -> Results:
    """With everything that its page can show: guesses, a report that is not pooled, and one that is refused."""
    for number, factor in enumerate(classroom.factors(4, 0.2)):
        classroom.hand_in(folder, number, factor=factor, modes=MODES)
    classroom.hand_in(folder, 4, failing="sendfile")
    (folder / "broken.html").write_text("")
    (folder / "lines.txt").write_text(line_of({"copies": "4", "cost": "0.5"}))
    return results(str(folder))


@pytest.mark.parametrize(("width", "dark"), LOOKS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_page_has_a_serious_fault(
    chromium: Browser, pages: dict[str, str], kind: str, width: int, dark: bool
) -> None:
    """With everything unfolded, and every answer shown."""
    chromium.show(pages[kind], width, 900, dark=dark)
    chromium.run(UNFOLD)
    assert "\n".join(axe.faults(chromium)) == ""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    served = tmp_path_factory.mktemp("served")
    payload.make(served, SMALL_BYTES, lambda _: None)
    with serving(served, few=("read-send", "sendfile")) as locust:
        yield locust.url()


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_the_live_page_has_no_serious_fault(chromium: Browser, live: str, width: int, dark: bool) -> None:
    chromium.show(live, width, 900, dark=dark)
    chromium.wait_for("document.getElementById('doing').className === 'doing nothing'")
    chromium.run(UNFOLD)
    assert "\n".join(axe.faults(chromium)) == ""


# Marks what the Tab key should reach: all that is visible and can be used; one button of a group of radio buttons.
STOPS = """
const groups = new Set();
const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')];
const stops = all.filter((each) => each.checkVisibility({visibilityProperty: true}) && each.tabIndex >= 0)
  .filter((each) => !each.matches(':disabled'))
  .filter((each) => each.type !== 'radio' || (!groups.has(each.name) && groups.add(each.name)));
stops.forEach((each, place) => { each.dataset.stop = place; });
return stops.length;
"""
MISSED = """
const stops = [...document.querySelectorAll('[data-stop]')];
const missed = stops.filter((each) => !arguments[0].includes(Number(each.dataset.stop)));
return missed.filter((each) => each.checkVisibility()).map((each) => each.outerHTML.slice(0, 160));
"""
HERE = """
const here = document.activeElement, style = getComputedStyle(here);
const shown = style.outlineStyle !== 'none' || style.boxShadow !== 'none';
return [here.dataset.stop ?? null, shown, here.outerHTML.slice(0, 120)];
"""


def reach_all(chromium: Browser) -> None:
    """The Tab key reaches everything that can be used, and one sees where one is."""
    stops = chromium.run(STOPS)
    reached: set[int] = set()
    for _ in range(2 * stops + 20):
        ActionChains(chromium.driver).send_keys(Keys.TAB).perform()
        place, shown, what = chromium.run(HERE)
        if place is None:
            continue
        assert shown, f"nobody sees the focus on {what}"
        reached.add(int(place))
        if len(reached) == stops:
            return
    assert chromium.run(MISSED, list(reached)) == []  # a chart that came alive took the place of its still picture


@pytest.mark.parametrize("kind", KINDS)
def test_everything_on_a_page_can_be_reached_with_the_keyboard(
    chromium: Browser, pages: dict[str, str], kind: str
) -> None:
    chromium.show(pages[kind])
    chromium.run(UNFOLD)
    reach_all(chromium)


def test_everything_on_the_live_page_can_be_reached_with_the_keyboard(chromium: Browser, live: str) -> None:
    chromium.show(live)
    chromium.wait_for("document.getElementById('doing').className === 'doing nothing'")
    reach_all(chromium)


def test_axe_finds_a_fault_where_there_is_one(chromium: Browser, tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text("<!doctype html><title>bad</title><input>")
    chromium.show((tmp_path / "bad.html").as_uri())
    assert any(fault.startswith("label, critical") for fault in axe.faults(chromium))
