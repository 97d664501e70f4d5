"""The students' page asks first: no answer is in sight, each is there, and each is the one that was measured."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from profiles.store.proof import Proof
from profiles.store.run_facts import Code
from profiles.store.run_folder import FILES, RunFolder
from reports.run_data import read_run
from reports.students import page
from reports.students.questions import questions
from reports.students.source_excerpts import function
from tests.reports import synthetic
from tests.reports.tags import Tags


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
    assert "did not record the code of its servers around that" in text and "Its code is not on record" in text


def test_code_of_which_a_piece_is_lost_is_not_shown(tmp_path: Path) -> None:
    folder = synthetic.write(tmp_path, synthetic.run(("sendfile",), 6), flame=None, sampled=False)
    folder.append(Code("receive", None, "servers/a.py", 1, "def next(self):"))
    text = Tags(page.page(read_run(folder))).text
    assert "did not record the code of its servers around that" in text and "def next" not in text


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
    hidden = re.sub(r'<div class="answer">.*?</details>', "", html, flags=re.S)
    assert "data-right" not in hidden and "data-ratio" not in hidden
    body = Tags(hidden[hidden.index("<body>") :]).text
    assert "How many times is every byte copied" in body
    assert "by the CPU, measured" not in body and "0.33x" not in body


def test_the_three_steps_come_first_and_http_is_folded(html: str) -> None:
    body = html[html.index("<main>") :]
    assert body.index("Receive a request") < body.index("os.preadv(") < body.index('<details class="http">')
    assert body.index('<details class="http">') < body.index("def next(self)")


def test_the_copies_are_drawn_as_the_chapter_does_and_then_as_measured(html: str) -> None:
    ours, measured = html.index('id="question-copies-chapter"'), html.index('id="question-copies"')
    assert ours < measured


def test_nothing_is_loaded_from_anywhere(html: str) -> None:
    found = [value for _, attributes in Tags(html).elements for name, value in attributes.items() if name == "href"]
    assert [address for address in found if not address.startswith("#")] == ["index.html"]
    assert "src=" not in html and len(html) < 1_000_000


def test_a_question_takes_one_choice_and_shares_it_with_no_other(html: str) -> None:
    """A browser takes back a choice when another of the same name is made."""
    inputs = [attributes for tag, attributes in Tags(html).elements if tag == "input"]
    named = Counter(attributes["name"] for attributes in inputs if attributes["type"] == "radio")
    assert named == {"copies": 5, "fewer": 2, "calls": 6, "path-read-send": 4, "path-sendfile": 4}


def test_lines_that_make_system_calls_are_marked_and_comments_are_not() -> None:
    text = "x = 1\ndef send_file():\n    while x:  # sendfile(2) may do less\n        os.sendfile(out)\n"
    found = function(Code("send", "odd", "odd.py", 1, text), "send_file", ("sendfile(",))
    assert (found.line, [found.lines[index].strip() for index in found.marked]) == (2, ["os.sendfile(out)"])


@pytest.mark.parametrize("text", ["def other(): pass", "match x:\n  case", "\x00", ""])
def test_code_that_we_cannot_read_is_quoted_whole(text: str) -> None:
    found = function(Code("send", "odd", "odd.py", 1, text), "send_file")
    assert found.lines == tuple(text.splitlines())
