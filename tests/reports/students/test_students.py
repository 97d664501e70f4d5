"""The students' page asks first: no answer is in sight, each is there, and each is the one that was measured."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from profiles.agent import source_excerpts
from profiles.store.proof import Proof
from profiles.store.run_facts import Code
from profiles.store.run_folder import FILES, RunFolder
from reports import page as report
from reports.run_data import read_run
from reports.students import page
from reports.students.questions import questions
from reports.students.source_excerpts import function
from tests import browser
from tests.browser import Browser
from tests.conftest import PROJECT
from tests.reports import synthetic
from tests.reports.tags import Tags


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = synthetic.write(tmp_path_factory.mktemp("lesson"), synthetic.run(rounds=6), sampled=False)
    code = source_excerpts.read(PROJECT)
    folder.append(*(piece for piece in code if piece.mode in (None, "read-send", "sendfile")))
    return folder


@pytest.fixture(scope="module")
def html(stored: RunFolder) -> str:
    return page.page(read_run(stored))


def test_the_courses_questions_are_answered_from_the_proofs(stored: RunFolder) -> None:
    asked = {question.name: question for question in questions(read_run(stored))}
    assert list(asked) == ["copies", "fewer", "cost", "calls"]
    assert asked["copies"].right == "4" and asked["copies"].answer[0].startswith("2.00 by the CPU, measured")
    assert asked["fewer"].right == "yes" and "sendfile made 0.00 copies" in asked["fewer"].answer[0]
    assert asked["calls"].right == "10,000" and asked["calls"].answer[0].startswith("8,448")
    ratio, low, high = asked["cost"].ratio or (0, None, None)
    assert low is not None and high is not None and low < ratio < high
    assert "sendfile uses 0.33x" in asked["cost"].answer[0]


def test_what_was_not_measured_is_not_asked(tmp_path: Path) -> None:
    folder = synthetic.write(tmp_path, synthetic.run(("sendfile",), 6), flame=None, sampled=False)
    (folder.path / FILES[Proof]).unlink()
    run = read_run(folder)
    assert questions(run) == ()
    text = Tags(page.page(run)).text
    assert "did not record the code of its servers" in text and "Its code is not on record" in text


def test_where_no_path_makes_fewer_copies_the_answer_is_no(tmp_path: Path) -> None:
    folder = synthetic.write(tmp_path, synthetic.run(("read-send",), 6), flame=None, sampled=False)
    (fewer,) = [question for question in questions(read_run(folder)) if question.name == "fewer"]
    assert fewer.right == "no"


def test_the_servers_own_code_is_quoted(html: str) -> None:
    text = Tags(html).text
    for words in ("def next(self)", "def path_of(", "self.send_file(sock, file.fd", "os.preadv(", "os.sendfile("):
        assert words in text, words


def test_as_many_copies_may_be_guessed_as_a_path_made(tmp_path: Path) -> None:
    folder = synthetic.write(tmp_path, synthetic.run(rounds=6), sampled=False)
    proofs = [replace(proof, read_copies=4.0) for proof in folder.read(Proof)]
    (folder.path / FILES[Proof]).unlink()
    for proof in proofs:
        folder.append(proof)
    assert 'name="path-read-send" value="5"' in page.page(read_run(folder))


def test_every_answer_is_folded(html: str) -> None:
    """The words of an answer stand inside an element that is closed at first."""
    hidden = re.sub(r"<details.*?</details>", "", html, flags=re.S)
    body = Tags(hidden[hidden.index("<body>") :]).text
    assert "How many times is every byte copied" in body
    assert "by the CPU, measured" not in body and "0.33x" not in body


def test_nothing_is_loaded_from_anywhere(html: str) -> None:
    found = [value for _, attributes in Tags(html).elements for name, value in attributes.items() if name == "href"]
    assert [address for address in found if not address.startswith("#")] == ["index.html"]
    assert "src=" not in html and len(html) < 1_000_000


def test_a_question_takes_one_choice_and_shares_it_with_no_other(html: str) -> None:
    """A browser takes back a choice when another of the same name is made."""
    inputs = [attributes for tag, attributes in Tags(html).elements if tag == "input"]
    named = Counter(attributes["name"] for attributes in inputs if attributes["type"] == "radio")
    assert named == {"copies": 5, "fewer": 2, "calls": 6, "path-read-send": 4, "path-sendfile": 4}


@pytest.mark.parametrize("text", ["def other(): pass", "match x:\n  case", "\x00", ""])
def test_code_that_we_cannot_read_is_quoted_whole(text: str) -> None:
    found = function(Code("send", "odd", "odd.py", 1, text), "send_file")
    assert found.lines == tuple(text.splitlines())


@pytest.fixture(scope="module")
def url(stored: RunFolder) -> str:
    _, path = report.report(stored, stored.path.parent / "reports")
    return path.with_name(page.STUDENTS_FILE).as_uri()


@pytest.fixture
def chromium(shared: Browser, url: str) -> Iterator[Browser]:
    """The page, freshly opened; whatever a test does with it, the console stays empty."""
    shared.complaints()
    shared.show(url)
    yield shared
    assert shared.complaints() == []


@pytest.mark.browser
@browser.needed
def test_a_guess_is_held_against_the_measurement(chromium: Browser) -> None:
    copies, fewer, cost, _ = chromium.all("#predict .question")
    copies.find_element("css selector", "input[value='3']").click()
    fewer.find_element("css selector", "input[value='yes']").click()
    cost.find_element("css selector", "input").send_keys("0.9")
    for question in (copies, fewer, cost):
        assert not question.find_element("css selector", ".said").is_displayed()
        question.find_element("css selector", "details.reveal summary").click()
    said = [question.find_element("css selector", ".said") for question in (copies, fewer, cost)]
    chromium.wait_for("[...arguments].every((each) => each.textContent)", *said)
    assert [each.text for each in said] == [
        "✗ You said 3; the answer is 4.",
        "✓ You said yes; that is right.",
        "✗ You said 0.9, which is more than the measured interval.",
    ]
    assert cost.find_element("css selector", "circle.guess").is_displayed()
    copies.find_element("css selector", "input[value='4']").click()
    chromium.wait_for("arguments[0].textContent.startsWith('✓')", said[0])


@pytest.mark.browser
@browser.needed
def test_the_report_and_the_page_lead_to_each_other(chromium: Browser) -> None:
    chromium.find(".facts a").click()
    chromium.wait_for("location.pathname.endsWith('/index.html')")
    chromium.find(".facts a").click()
    chromium.wait_for("location.pathname.endsWith('/students.html')")


@pytest.mark.browser
@browser.needed
def test_without_scripts_the_answers_unfold_too(url: str) -> None:
    with browser.browser(scripts=False) as quiet:
        quiet.show(url)
        answer = quiet.find("#predict .question details.reveal")
        assert "2.00 by the CPU" not in answer.text
        answer.find_element("css selector", "summary").click()
        assert "2.00 by the CPU" in answer.text
