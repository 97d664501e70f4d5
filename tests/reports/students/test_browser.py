"""In a real browser: guesses are kept, held against the answers and counted; a locked copy answers nothing without its
code; nothing is cut off, on a screen or on paper."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from reports.students import guesses
from tests import browser
from tests.browser import Browser
from tests.conftest import eventually

pytestmark = [pytest.mark.browser, browser.needed]


@pytest.fixture
def chromium(shared: Browser, url: str) -> Iterator[Browser]:
    """The page, opened by someone who never saw it; whatever a test does with it, the console stays empty."""
    shared.complaints()
    shared.show(url)
    shared.run("localStorage.clear()")
    shared.show(url)
    yield shared
    assert shared.complaints() == []


def look(question: WebElement) -> None:
    question.find_element("css selector", "details.reveal summary").click()


def said(chromium: Browser, *questions: WebElement) -> list[str]:
    found = [question.find_element("css selector", ".said") for question in questions]
    chromium.wait_for("[...arguments].every((each) => each.textContent)", *found)
    return [each.text for each in found]


def guess(chromium: Browser) -> tuple[WebElement, WebElement, WebElement]:
    """Three of the four, one of them right."""
    copies, fewer, cost, _ = chromium.all("#predict .question")
    copies.find_element("css selector", "input[value='3']").click()
    fewer.find_element("css selector", "input[value='yes']").click()
    cost.find_element("css selector", "input").send_keys("0.9")
    return copies, fewer, cost


def line_of(chromium: Browser) -> guesses.Guesses:
    """As it stands at the end of the page."""
    return guesses.read(str(chromium.find(".line-out").get_attribute("value")))


def test_a_guess_is_held_against_the_measurement_and_is_fixed_then(chromium: Browser) -> None:
    copies, fewer, cost = guess(chromium)
    for question in (copies, fewer, cost):
        assert not question.find_element("css selector", ".said").is_displayed()
        look(question)
    assert said(chromium, copies, fewer, cost) == [
        "✗ You said 3; the answer is 4.",
        "✓ You said yes; that is right.",
        "✗ You said 0.9, which is more than the measured interval.",
    ]
    assert cost.find_element("css selector", "circle.guess").is_displayed()
    assert not copies.find_element("css selector", "input[value='4']").is_enabled()


def test_a_ratio_that_is_nearly_right_is_right(chromium: Browser) -> None:
    cost = chromium.all("#predict .question")[2]
    cost.find_element("css selector", "input").send_keys("0.4")
    look(cost)
    assert said(chromium, cost) == ["✓ You said 0.4; 0.33 was measured, so that is near enough."]


def test_guesses_are_kept_counted_and_leave_as_a_line(chromium: Browser, url: str) -> None:
    copies, fewer, _ = guess(chromium)
    look(copies)
    look(fewer)
    said(chromium, copies, fewer)
    chromium.show(url)
    assert chromium.find(".total").text == "1 of 6 right; 4 not looked at yet"
    assert [mark.text for mark in chromium.all(".marks li")] == [
        *("1: ✗", "2: ✓", "3: guessed", "4: to guess", "read-send: to guess", "sendfile: to guess"),
    ]
    guessed = {"copies": "3", "fewer": "yes", "cost": "0.9"}
    assert line_of(chromium) == guesses.Guesses("synthetic", guessed, right=1, asked=6)
    chromium.find("button.copy").click()
    assert chromium.find("button.copy").text == "Copied"
    chromium.find("button.again").click()
    assert chromium.find(".total").text == "0 of 6 right; 6 not looked at yet"
    assert line_of(chromium).guesses == {}
    assert not chromium.all("#predict input:checked")


@pytest.mark.parametrize("width", [390, 1366])
def test_no_line_of_code_is_cut_off(chromium: Browser, url: str, width: int) -> None:
    chromium.show(url, width, 800)
    chromium.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert len(chromium.all("figure.code pre")) > 5
    wider = (
        "[...document.querySelectorAll('figure.code pre, .line')].filter((each) => each.scrollWidth > each.clientWidth)"
    )
    assert chromium.run(f"return {wider}.map((each) => each.textContent)") == []
    assert chromium.run("return document.documentElement.scrollWidth") <= width


def test_paper_shows_the_questions_and_no_answer_that_was_not_looked_at(chromium: Browser) -> None:
    look(chromium.all("#predict .question")[1])
    said(chromium, chromium.all("#predict .question")[1])
    chromium.command("Emulation.setEmulatedMedia", {"media": "print"})
    seen = (
        "return [...document.querySelectorAll('.question .said')].map((each) => each.parentElement.checkVisibility())"
    )
    assert chromium.run(seen) == [False, True, False, False, False, False]
    code = "return document.querySelector('#paths details.path figure.code').checkVisibility()"
    assert chromium.run(code), "the paths are unfolded"
    chromium.command("Emulation.setEmulatedMedia", {"media": ""})


CODE = "copy-on-write rabbits"


@pytest.fixture
def locked_copy(chromium: Browser, tmp_path: Path) -> Path:
    """What a teacher saves, after having tried the page."""
    copies, *_ = guess(chromium)
    look(copies)
    chromium.command("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    chromium.run("document.querySelector('.teachers').open = true")
    chromium.find(".lock input").send_keys(CODE, Keys.ENTER)
    saved = tmp_path / "students-synthetic-locked.html"
    eventually(lambda: saved.exists() and saved.read_text().rstrip().endswith("</html>"))
    assert "Keep the code" in chromium.find(".saved").text
    return saved


def test_a_locked_copy_asks_all_and_answers_nothing_without_the_code(chromium: Browser, locked_copy: Path) -> None:
    text = locked_copy.read_text()
    assert "How many times is every byte copied" in text and "os.preadv(" in text
    for answer in ("by the CPU, measured", "0.33x", "data-right=", "4,224", CODE, 'href="index.html"'):
        assert answer not in text, answer
    chromium.show(locked_copy.as_uri())
    chromium.run("localStorage.clear()")
    chromium.show(locked_copy.as_uri())
    copies, *_ = chromium.all("#predict .question")
    copies.find_element("css selector", "input[value='4']").click()
    look(copies)
    assert "Locked" in copies.find_element("css selector", ".answer").text
    assert copies.find_element("css selector", "input").is_enabled(), "what was not answered is not fixed"
    assert not chromium.all(".teachers")

    chromium.find(".unlock input").send_keys("rabbits", Keys.ENTER)
    chromium.wait_for("document.querySelector('.unlock [role=status]').textContent === 'That is not the code.'")
    chromium.find(".unlock input").clear()
    chromium.find(".unlock input").send_keys(CODE, Keys.ENTER)
    chromium.wait_for("document.querySelector('.unlock').hidden")
    assert said(chromium, copies) == ["✓ You said 4; that is right."]
    assert chromium.find(".total").text == "1 of 6 right; 5 not looked at yet"


def test_all_can_be_done_with_the_keyboard_alone(chromium: Browser) -> None:
    """Tab to the first question, choose with an arrow, tab to its answer, open it."""
    at = "return document.activeElement.matches(arguments[0])"
    page = chromium.driver.switch_to
    for _ in range(40):
        page.active_element.send_keys(Keys.TAB)
        if chromium.run(at, "#predict input[name=copies]"):
            break
    page.active_element.send_keys(Keys.ARROW_RIGHT)
    assert chromium.find("#predict input[name=copies]:checked").get_attribute("value") == "2"
    page.active_element.send_keys(Keys.TAB)
    assert chromium.run(at, "#predict .question:first-child summary")
    page.active_element.send_keys(Keys.ENTER)
    assert said(chromium, chromium.find("#predict .question")) == ["✗ You said 2; the answer is 4."]


def test_the_report_and_the_page_lead_to_each_other(chromium: Browser) -> None:
    chromium.find(".facts a").click()
    chromium.wait_for("location.pathname.endsWith('/index.html')")
    chromium.find(".facts a").click()
    chromium.wait_for("location.pathname.endsWith('/students.html')")


def test_without_scripts_the_answers_unfold_too(url: str) -> None:
    with browser.browser(scripts=False) as quiet:
        quiet.show(url)
        answer = quiet.find("#predict .question details.reveal")
        assert "2.00 by the CPU" not in answer.text
        answer.find_element("css selector", "summary").click()
        assert "2.00 by the CPU" in answer.text
