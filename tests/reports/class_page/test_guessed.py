"""Guesses are held against the run that they name; what cannot be is counted nowhere, and said."""

from pathlib import Path

import pytest

from reports.class_page.guessed import NEAR, Guessed
from reports.class_page.results import results
from reports.templating import TEMPLATES
from tests.reports.class_page import classroom
from tests.reports.class_page.test_hand_ins import line_of


def guessed(folder: Path, *lines: str) -> Guessed:
    (folder / "lines.txt").write_text("\n\n".join(lines))
    return results(str(folder)).guessed


@pytest.fixture
def handed_in(tmp_path: Path) -> Path:
    for number in range(3):
        classroom.hand_in(tmp_path, number)
    return tmp_path


def test_each_choice_is_counted_and_the_measured_one_is_right(handed_in: Path) -> None:
    lines = [line_of({"copies": guess, "path-sendfile": "0"}, f"run-{run}") for run, guess in enumerate("442")]
    found = guessed(handed_in, *lines, line_of({"copies": "5 million"}))
    copies, path = found.choices
    assert copies.counts == (("1", 0), ("2", 1), ("3", 0), ("4", 2), ("5", 0)) and copies.right == "4"
    assert (copies.hits, copies.asked) == (2, 3), "what is no choice is not counted"
    assert path.text == "How many times does the CPU copy every byte in sendfile?" and (path.hits, path.asked) == (3, 3)
    assert found.lines == 4 and found.ratios == ()


def test_a_ratio_is_right_in_its_interval_and_near_it(handed_in: Path) -> None:
    given = ["0.33", "0.4", "0.9", "nan", "1e9", "many", "-1"]
    (cost,) = guessed(handed_in, *(line_of({"cost": guess}) for guess in given)).ratios
    assert (cost.guesses, cost.hits, cost.asked) == ((0.33, 0.4, 0.9), 2, 3)
    assert len(cost.measured) == 1 and 0.32 < cost.measured[0] < 0.34


def test_a_guess_of_a_run_that_is_not_here_or_not_the_only_one_is_refused(handed_in: Path) -> None:
    classroom.hand_in(handed_in, 3, run_name="run-0")
    found = guessed(handed_in, line_of({"copies": "4"}, "elsewhere"), line_of({"copies": "4"}), "hello")
    assert [(each.name, each.reason) for each in found.refused] == [
        ("lines.txt, line 1", "it guesses run elsewhere, whose report is not among these"),
        ("lines.txt, line 3", "2 reports are of a run called run-0: which one was guessed cannot be told"),
    ]
    assert results(str(handed_in)).refused[0].reason.startswith("'hello' is not a line of guesses")


def test_near_is_what_the_students_page_calls_near() -> None:
    assert f"const NEAR = {NEAR};" in (TEMPLATES / "students.js").read_text()
