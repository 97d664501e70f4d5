"""In a real browser: a report opens without a complaint, its numbers are those of the records, and it folds, zooms and
prints, with scripts and without."""

import re
import statistics
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from profiles.store.run_folder import RunFolder
from reports import page
from reports.analysis.paired_ratio import paired_ratio
from reports.analysis.text import interval
from reports.run_data import read_run
from tests import browser, screenshots
from tests.browser import Browser
from tests.reports import sliced, synthetic

pytestmark = [pytest.mark.browser, browser.needed]
MODES = ("read-send", "sendfile", "read-whole")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return synthetic.write(tmp_path_factory.mktemp("runs"), synthetic.run(MODES))


@pytest.fixture(scope="module")
def url(stored: RunFolder) -> str:
    _, path = page.report(stored, stored.path.parent / "reports")
    return path.as_uri()


@pytest.fixture(scope="module")
def deep_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report with perf's stacks, and what follows from them."""
    folder = tmp_path_factory.mktemp("deep")
    return page.report(synthetic.write(folder, synthetic.run(MODES, 6), deep=True), folder / "reports")[1].as_uri()


@pytest.fixture
def chromium(shared: Browser, url: str) -> Iterator[Browser]:
    """The report, freshly opened; whatever a test does with it, the console stays empty."""
    shared.complaints()
    shared.show(url)
    yield shared
    assert shared.complaints() == []


def unfold(chromium: Browser) -> None:
    chromium.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")


def test_every_chart_comes_alive_when_it_is_seen(chromium: Browser) -> None:
    chromium.wait_for("document.querySelectorAll('#forest figure.chart.ready').length === 1")
    assert not chromium.all("#absolutes figure.ready"), "what is folded is not drawn"
    unfold(chromium)
    for figure in chromium.all("figure.chart"):
        chromium.run("arguments[0].scrollIntoView()", figure)
        chromium.wait_for("arguments[0].classList.contains('ready')", figure)
    assert len(chromium.all("figure.chart.ready")) == 5


def test_the_numbers_on_the_first_screen_are_those_of_the_records(chromium: Browser, stored: RunFolder) -> None:
    cells = stored.read_cells()
    for row in chromium.all("#summary tbody tr"):
        mode, cost, rate, *_ = (cell.text.split("\n")[0] for cell in row.find_elements("css selector", "th, td"))
        costs = [cell.metrics["server_cpu_s_per_gib"] or 0.0 for cell in cells if cell.mode == mode]
        rates = [cell.received_bytes / 2**30 / cell.wall_s for cell in cells if cell.mode == mode]
        assert float(cost) == pytest.approx(statistics.median(costs), rel=0.005)
        assert float(rate) == pytest.approx(statistics.median(rates), rel=0.005)
    sentence = chromium.find("#verdict .sentence").text
    ratio, low, high = (float(number) for number in re.findall(r"\d\.\d+", sentence)[:3])
    assert low <= ratio <= high
    assert ratio == pytest.approx(synthetic.COSTS["sendfile"][1] / 0.44, rel=0.1)


def test_what_the_answer_rests_on_is_folded_and_a_link_unfolds_it(chromium: Browser) -> None:
    assert not chromium.find("#copies").is_displayed()
    chromium.find("nav summary").click()
    chromium.find("nav a[href='#copies']").click()
    chromium.wait_for("document.querySelector('#copies').checkVisibility()")
    chromium.run("document.querySelector('#copies').closest('details').querySelector('summary').click()")
    assert not chromium.find("#copies").is_displayed()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_width_makes_the_page_scroll_sideways(chromium: Browser, url: str, width: int) -> None:
    chromium.show(url, width, 800)
    unfold(chromium)
    assert chromium.run("return document.documentElement.scrollWidth") <= width


def test_on_a_phone_no_value_of_a_table_is_out_of_sight(chromium: Browser, url: str, deep_url: str) -> None:
    """But for the raw data, whose columns can only be scrolled to."""
    for address in (url, deep_url):
        chromium.show(address, 400, 800)
        unfold(chromium)
        wide = "filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.ariaLabel)"
        assert chromium.run(f"return [...document.querySelectorAll('.scroll')].{wide}") == ["Raw data"]
    cost = chromium.find("#absolutes tbody td")
    script = "return getComputedStyle(arguments[0], '::before').content"
    assert chromium.run(script, cost) == '"read-send"', "each value says whose it is"


def test_paper_has_no_table_that_is_cut(chromium: Browser, deep_url: str) -> None:
    chromium.show(deep_url, 718, 1000)
    chromium.command("Emulation.setEmulatedMedia", {"media": "print"})
    wide = "filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.ariaLabel)"
    assert chromium.run(f"return [...document.querySelectorAll('.scroll')].{wide}") == []
    hint = "return arguments[0].checkVisibility() ? arguments[0].textContent : ''"
    assert "rounds.csv" in chromium.run(hint, chromium.find("#raw_cells .on-paper"))
    chromium.command("Emulation.setEmulatedMedia", {"media": ""})


def test_paper_gets_what_is_folded(chromium: Browser) -> None:
    """More pages than the first screen has."""
    assert chromium.paper().count(b"/Type /Page\n") > 5


def test_without_scripts_it_says_the_same(url: str) -> None:
    with browser.browser(scripts=False) as quiet:
        quiet.show(url)
        assert not quiet.all("figure.ready")
        assert "sendfile uses 0.33x" in quiet.find("#verdict").text
        assert quiet.find("#forest .still svg").is_displayed()
        quiet.find("nav summary").click()
        quiet.find("nav a[href='#absolutes']").click()
        assert "Server CPU" in quiet.find("#absolutes").text


def choose(chromium: Browser, name: str, value: str) -> None:
    chromium.find(f"#forest select[name={name}] option[value='{value}']").click()


def labels(chromium: Browser) -> list[str]:
    """The texts of the plot, as they are drawn."""
    texts = chromium.run("return [...document.querySelectorAll('#forest .live text')].map((each) => each.textContent)")
    return list(texts)


def test_the_forest_follows_what_is_chosen_and_says_that_it_is_exploratory(
    chromium: Browser, stored: RunFolder
) -> None:
    declared = chromium.wait_for("document.querySelector('#forest .ready .live')?.textContent")
    assert "0.33x [0.32, 0.33]" in declared
    chromium.find("#forest details.choose summary").click()
    choose(chromium, "metric", "gib_per_s")
    chromium.run("document.querySelector('#forest select[name=baseline]').value = 'sendfile'")
    chromium.find("#forest input[value='read-whole']").click()
    said = "Plain 95 % intervals, not corrected for multiple comparisons; no verdict."
    assert chromium.find("#forest .chosen").text == f"! exploratory: throughput relative to sendfile. {said}"
    pairs = read_run(stored).dataset.pairs("read-send", "gib_per_s", against="sendfile")
    found = paired_ratio(pairs)
    assert found.low is not None and found.high is not None
    expected = interval(found.ratio, found.low, found.high)
    chromium.wait_for("document.querySelector('#forest .live').textContent.includes(arguments[0])", expected)
    assert "read-whole" not in labels(chromium)
    assert "throughput, as a multiple ofsendfile (log axis)" in labels(chromium)
    assert sum(label.endswith("x") for label in labels(chromium)) >= 2, "the axis has its numbers"

    chromium.find("#forest button[type=reset]").click()
    chromium.wait_for("document.querySelector('#forest .live').textContent === arguments[0]", declared)
    assert chromium.find("#forest .chosen").text == ""


@pytest.fixture(scope="module")
def sliced_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("sliced")
    return page.report(sliced.write(folder, sliced.run(sliced.VARIANTS)), folder / "reports")[1].as_uri()


def test_the_slices_of_a_round_are_drawn_when_they_are_asked_for(chromium: Browser, sliced_url: str) -> None:
    chromium.show(sliced_url)
    unfold(chromium)
    chromium.wait_for("document.querySelectorAll('.slices tbody tr').length === 16")
    chromium.find(".slices select option:nth-child(3)").click()
    chromium.wait_for("document.querySelector('.slices tbody td:nth-child(3)').textContent === '24.00'")
    modes = [cell.text for cell in chromium.all(".slices tbody td:nth-child(2)")]
    assert modes == [*sliced.VARIANTS, *sliced.VARIANTS[::-1]] * 2
    assert [lane.text for lane in chromium.all(".slices .lanes span")] == list(sliced.VARIANTS)
    lanes = chromium.run("return [...document.querySelectorAll('.slices .lanes i')].map((bar) => bar.offsetLeft)")
    assert len(lanes) == 16 and lanes[:4] == sorted(lanes[:4])


@pytest.mark.parametrize("width", [360, 1280])
def test_long_names_of_variants_make_no_page_scroll_sideways(chromium: Browser, sliced_url: str, width: int) -> None:
    chromium.show(sliced_url, width, 800)
    unfold(chromium)
    chromium.wait_for("document.querySelectorAll('.slices tbody tr').length === 16")
    assert chromium.run("return document.documentElement.scrollWidth") <= width


def test_the_readmes_pictures_can_be_taken(chromium: Browser, url: str) -> None:
    report = Path(unquote(urlparse(url).path))
    pictures = {name: take(chromium, report) for name, take in screenshots.PICTURES.items()}
    assert all(picture is None or picture.startswith(b"\x89PNG") for picture in pictures.values())
    assert pictures["report"] and pictures["students"]
