"""The live page in a real browser: everything that a user does there, and a console that stays empty."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from servers import payload
from tests import browser
from tests.browser import Browser
from tests.conftest import SMALL_BYTES, eventually
from tests.load.locust_process import Locust, serving

pytestmark = [pytest.mark.browser, pytest.mark.skipif(browser.missing() is not None, reason=browser.missing() or "")]

FEW = ("read-send", "sendfile", "splice", "vmsplice")

WIDTH, HEIGHT = 1440, 3400  # all charts are seen, so all are drawn
CHARTS = 12
IDLE = "document.getElementById('doing').className === 'doing nothing'"
LOADED = "document.getElementById('doing').className === 'doing load'"
UNTIL = "Number(document.querySelector('[data-chart=cost]')?.dataset.until ?? 0)"
CHART_LINES = "[...document.querySelectorAll('.chart')].map(c => [c.dataset.chart, Number(c.dataset.lines)])"
LINES = f"Object.fromEntries({CHART_LINES})"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locust]:
    served = tmp_path_factory.mktemp("served")
    payload.make(served, SMALL_BYTES, lambda _: None)
    with serving(served, few=FEW) as locust:
        yield locust


@pytest.fixture(scope="module")
def shared() -> Iterator[Browser]:
    with browser.browser() as found:
        yield found


@pytest.fixture
def page(shared: Browser, bench: Locust) -> Iterator[Browser]:
    """The page, freshly opened on a bench at rest; whatever a test does with it, the console stays empty."""
    shared.show(bench.url(), WIDTH, HEIGHT)
    shared.run("sessionStorage.clear()")
    shared.complaints()
    shared.show(bench.url(), WIDTH, HEIGHT)
    shared.wait_for(IDLE)
    yield shared
    assert shared.complaints() == []


def text(page: Browser, name: str) -> str:
    return page.find(f"#{name}").text


def put(page: Browser, name: str, value: str) -> None:
    field = page.find(f"#ask [name={name}]")
    field.clear()
    field.send_keys(value)


def start(page: Browser, *modes: str) -> None:
    page.find("[data-pick=none]").click()
    for mode in modes:
        page.find(f"#mode-{mode}").click()
    page.find("#start").click()
    page.wait_for(LOADED)


def stop(page: Browser) -> None:
    page.find("#stop").click()
    page.wait_for(IDLE)


def test_a_load_is_started_every_chart_moves_and_it_is_stopped(page: Browser, bench: Locust) -> None:
    start(page, "read-send", "sendfile")
    page.wait_for(f"Object.keys({LINES}).length === {CHARTS}")
    page.wait_for("document.querySelectorAll('#modes .now .unit').length === 2")
    lines = page.run(f"return {LINES}")
    assert {lines[name] for name in lines} == {2, 3} and lines["machine"] == 3
    before = page.run(f"return {UNTIL}")
    page.wait_for(f"{UNTIL} > {before} + 1")
    drawn = page.run("return [...document.querySelectorAll('.chart')].map(c => Number(c.dataset.points))")
    assert len(drawn) == CHARTS and min(drawn) > 2
    stop(page)
    name = page.wait_for("document.querySelector('#runs a')?.closest('tr').cells[0].textContent")
    assert "interactive, not a campaign" in text(page, "runs")
    assert name.startswith("live_") and bench.get(f"/bench/reports/{name}/")


def test_a_path_is_hidden_time_stands_still_and_a_stretch_is_zoomed_into(page: Browser) -> None:
    start(page, "read-send", "sendfile")
    page.wait_for(f"{LINES}.cost === 2")
    page.find("[data-mode=sendfile] .eye").click()
    page.wait_for(f"{LINES}.cost === 1")
    page.find("[data-mode=sendfile] .eye").click()
    page.find("#pause").click()
    still = page.run(f"return {UNTIL}")
    newest = page.run("return performance.now()")
    page.wait_for(f"performance.now() > {newest} + 1500")
    assert page.run(f"return {UNTIL}") == still
    plot = page.find("[data-chart=received] .u-over")
    ActionChains(page.driver).move_to_element_with_offset(plot, -60, 0).click_and_hold().move_by_offset(
        90, 0
    ).release().perform()
    page.wait_for("!document.getElementById('whole').hidden")
    page.find("#whole").click()
    page.find("#pause").click()
    page.wait_for(f"{UNTIL} > {still}")
    stop(page)


def test_a_reload_loses_nothing_and_another_browser_sees_the_same(page: Browser, bench: Locust) -> None:
    start(page, "splice")
    page.wait_for(f"{UNTIL} > 0")
    first = page.run("return document.querySelector('[data-chart=cost]').dataset.points")
    page.driver.refresh()
    page.wait_for(f"{LOADED} && {LINES}.cost >= 1")
    assert int(page.run("return document.querySelector('[data-chart=cost]').dataset.points")) >= int(first)
    with browser.browser() as other:
        other.show(bench.url(), WIDTH, HEIGHT)
        other.wait_for(f"{LOADED} && document.querySelectorAll('#modes .now .unit').length === 1")
        assert other.find("#mode-splice").is_selected() and not other.find("#mode-sendfile").is_selected()
        stop(other)
        assert other.complaints() == []
    page.wait_for(IDLE)


def rounds_or_error(bench: Locust) -> bool:
    campaign = bench.state()["campaign"] or {"error": "", "found": None}
    return bool(campaign["error"] or (campaign["found"] or {"rounds": 0})["rounds"])


@pytest.mark.timeout(240)
def test_a_campaign_fills_the_forest_and_ends_in_its_report(page: Browser, bench: Locust) -> None:
    page.find("#tab-load").send_keys(Keys.ARROW_RIGHT)
    page.find("[data-pick=none]").click()
    for mode in ("read-send", "sendfile"):
        page.find(f"#mode-{mode}").send_keys(Keys.SPACE)
    knobs = {"users": "2", "rounds": "6", "window": "0.2", "profile": "0", "run": "six-rounds"}
    for name, value in knobs.items():
        put(page, name, value)
    page.find("#start").send_keys(Keys.ENTER)
    eventually(lambda: rounds_or_error(bench), 90)
    assert bench.state()["campaign"]["error"] == ""
    page.wait_for("document.querySelectorAll('#forest circle').length >= 1")
    assert "no verdict" in text(page, "campaign-verdicts") and "left" in text(page, "campaign-left")
    page.wait_for(r"/of \d+ at most; aim ±5 %/.test(document.getElementById('campaign-text').textContent)")
    assert "no interval yet" in text(page, "forest")
    assert page.find("#per-round").is_displayed()
    eventually(lambda: bench.state()["campaign"]["state"] == "done", 180)
    link = page.wait_for("document.querySelector('#campaign-report a')")
    assert page.run("return document.querySelectorAll('#forest circle').length") >= 6 and "±" in text(page, "forest")
    page.wait_for("document.getElementById('per-round').hidden")
    assert not page.find("#may-change").is_displayed()
    found = bench.state()["campaign"]["found"]
    page.wait_for(f"document.querySelectorAll('#campaign-cautions li').length === {len(found['cautions'])}")
    assert "sendfile" in text(page, "campaign-verdicts") and "no verdict" not in text(page, "campaign-verdicts")
    lines = "return [...document.querySelectorAll('#campaign-ranking li')].map((each) => each.textContent)"
    assert page.run(lines) == found["ranking"]
    page.show(link.get_attribute("href") or "")
    page.wait_for("document.querySelectorAll('figure.chart.ready').length >= 1")
    assert "six-rounds" in page.find("h1 + p").text


def test_a_flame_graph_is_recorded_and_opened_there(page: Browser) -> None:
    start(page, "read-send")
    seconds = page.find("#record [name=seconds]")
    seconds.clear()
    seconds.send_keys("1")
    page.find("#record button").click()
    page.wait_for("/Show|read-send, 1 s: /.test(document.getElementById('flame-list').textContent)")
    page.wait_for("!document.getElementById('flame-list').textContent.includes('recording …')")
    if "Show" in text(page, "flame-list"):
        page.wait_for("!document.getElementById('flame-shown').hidden")
        page.driver.switch_to.frame(page.find("#flame-frame"))
        page.wait_for("document.documentElement?.textContent.includes('send_file')")
        page.driver.switch_to.default_content()
    else:  # where py-spy may not attach, the reason is shown with what to do
        assert "py-spy could not record" in text(page, "flame-list")
    stop(page)


def test_a_dead_server_is_shown_with_its_last_words_and_started_again(page: Browser, bench: Locust) -> None:
    next(child for child in bench.helpers() if "vmsplice" in child.cmdline()).kill()
    row = "document.querySelector('[data-mode=vmsplice]')"
    page.wait_for(f"{row}.dataset.state === 'dead'")
    assert "dead: killed by SIGKILL" in page.find("[data-mode=vmsplice] .words").text
    page.find("[data-mode=vmsplice] .words button").click()
    page.wait_for(f"{row}.dataset.state === 'running'")


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [("users", "0", "Users per path"), ("size", "huge", "'huge' is not a size"), ("pace", "fast", "PACE='fast'")],
)
def test_an_error_is_shown_under_the_form_and_nothing_starts(
    page: Browser, bench: Locust, field: str, value: str, says: str
) -> None:
    put(page, field, value)
    page.find("#start").click()
    page.wait_for("!document.getElementById('ask-error').hidden")
    assert says in text(page, "ask-error")
    assert bench.state()["doing"] == "nothing"
    page.complaints()  # a refusal is a status of 400, which the console notes


@pytest.mark.parametrize("tab", ["load", "campaign"])
def test_start_and_stop_are_in_sight_without_scrolling(page: Browser, bench: Locust, tab: str) -> None:
    page.show(bench.url(), 1280, 800)
    page.wait_for(IDLE)
    page.find(f"#tab-{tab}").click()
    for name in ("start", "stop"):
        left, top, right, bottom = page.run(
            f"const box = document.getElementById('{name}').getBoundingClientRect();"
            "return [box.left, box.top, box.right, box.bottom]"
        )
        assert 0 <= left < right <= 1280 and 0 <= top < bottom <= 800
        at = f"document.elementFromPoint({(left + right) / 2}, {(top + bottom) / 2})"
        assert page.run(f"return {at}.id") == name
    assert page.find("#start").text == {"load": "Start the load", "campaign": "Start the campaign"}[tab]


def test_the_link_to_a_report_is_never_cut(page: Browser, bench: Locust) -> None:
    for width in (390, 1000, 1280):
        page.show(bench.url(), width, 800)
        page.wait_for(
            "document.querySelector('#runs tr td button, #runs tr td a') || document.querySelector('#runs tr')"
        )
        page.run(
            "const row = document.getElementById('runs').insertRow();"
            "const paths = 'read-send, '.repeat(16);"
            "for (const text of ['a'.repeat(100), 'open', 'interactive, not a campaign', paths, 'now'])"
            "  row.insertCell().textContent = text;"
            "[...row.cells].forEach((cell, at) => { cell.className = ['run', '', 'what', 'paths', ''][at]; })"
        )
        right, edge = page.run(
            "const cell = document.querySelector('#runs tr:last-child').cells[1].getBoundingClientRect();"
            "return [cell.right, document.querySelector('.scroll').getBoundingClientRect().right]"
        )
        assert right <= edge


def test_a_few_wild_values_do_not_flatten_a_chart(page: Browser) -> None:
    """A start costs much: its few values are cut off. What is more than a tenth of the values is not."""
    top = (
        "const [values, wild] = arguments;"
        "const plot = { scales: { x: { min: 0, max: 99 } }, data: [values.map((_, at) => at), values] };"
        "return import('/bench/assets/plot.js').then(({ Plot }) => Plot.prototype.top.call({ chart: { wild } }, plot))"
    )
    spike, shift = [50.0, *[1.0] * 8], [*[1.0] * 20, *[9.0] * 5]
    assert page.run(top, spike, True) < 4 and page.run(top, spike, False) >= 50
    assert page.run(top, shift, True) >= 9 and page.run(top, [0.3, 0.4, 0.5], True) >= 0.5
    assert page.run(top, [], True) == 1


def test_locusts_form_ticks_what_the_live_page_ticks_and_nothing_covers_it(shared: Browser, served: Path) -> None:
    rows = "[...document.querySelectorAll('tr')].filter((row) => row.cells[1]?.textContent)"
    ticked = (
        f"{rows}.filter((row) => row.querySelector('input')?.checked).map((row) => row.cells[1].textContent.trim())"
    )
    with serving(served, few=FEW) as locust:
        shared.show(locust.url("/"), 1280, 800)
        shared.wait_for(f"{rows}.length === {len(FEW)} && {ticked}.length === 2")
        assert shared.run(f"return {ticked}") == ["ReadSendUser", "SendfileUser"]
        link = "document.querySelector('a[href=\"/bench/\"]').getBoundingClientRect()"
        assert shared.run(f"return {link}.bottom <= document.getElementById('root').getBoundingClientRect().top")
        locust.ask("/load/start", {"modes": ["splice"], "users": 1})
        eventually(lambda: locust.state()["doing"] == "load")
        locust.ask("/load/stop")
        eventually(lambda: locust.state()["doing"] == "nothing")
        shared.show(locust.url())
        shared.wait_for(IDLE)
        chosen = "[...document.querySelectorAll('#modes input:checked')].map((box) => box.value)"
        shared.wait_for(f"{chosen}.join() === 'splice'")


def test_it_fits_a_phone_and_is_drawn_in_the_dark(page: Browser, bench: Locust) -> None:
    page.show(bench.url(), 390, 844, dark=True)
    page.run("document.getElementById('charts').scrollIntoView()")
    page.wait_for("document.querySelectorAll('.chart canvas').length >= 1")
    assert page.run("return document.documentElement.scrollWidth") == 390
    assert page.run("return getComputedStyle(document.body).backgroundColor") == "rgb(14, 17, 22)"
