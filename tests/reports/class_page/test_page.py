"""The class page says what the machines show, each machine, and what was not counted; in the terminal too."""

from pathlib import Path

import pytest

from reports.class_page import charts, page, terminal
from reports.class_page.guessed import RatioGuesses
from reports.class_page.results import Results, results
from tests.reports.class_page import classroom
from tests.reports.class_page.test_hand_ins import line_of
from tests.reports.tags import Tags


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("class")
    for number, factor in enumerate(classroom.factors(5, 0.2)):
        classroom.hand_in(folder, number, factor=factor, whole=number == 0)
    classroom.hand_in(folder, 5, failing="sendfile")
    (folder / "broken.html").write_text("<html>")
    (folder / "guesses.txt").write_text(line_of({"copies": "4", "cost": "0.5"}))
    return results(str(folder))


@pytest.fixture(scope="module")
def html(found: Results) -> str:
    return page.page(found)


def test_the_page_has_a_row_for_each_machine_and_what_they_show_together(html: str) -> None:
    text = Tags(html).text
    assert "6 reports read, 5 of them pooled; 1 line of guesses." in text
    assert "over 5 machines sendfile needs 0.3" in text and "it differs between machines by a factor of" in text
    for number in range(5):
        assert f"student-{number}.html" in text
    for fact in ("6.9.0-generic", "Another CPU 7000, 4 CPUs", "3.11.7", "bare metal", "kvm", "all 5", "another"):
        assert fact in text, fact
    assert html.count('class="strip"') == 5 + 2


def test_what_was_not_counted_stands_there_with_its_reason(html: str) -> None:
    text = Tags(html).text
    for said in ("student-5.html", "void: 9 requests failed", "broken.html", "it is not a report of this project"):
        assert said in text, said


def test_the_page_loads_nothing(html: str) -> None:
    assert "default-src 'none'" in html
    names = [name for _, attributes in Tags(html).elements for name in attributes]
    assert "src" not in names and "srcdoc" not in names


def test_the_terminal_says_the_same(found: Results, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show(found)
    lines = capsys.readouterr().out.splitlines()
    assert sum("student-" in line and "│" in line for line in lines) == 5
    assert any(line.startswith("over 5 machines sendfile needs 0.3") for line in lines)
    assert "1 line of guesses" in lines and any(line.startswith("guessed right by 1 of 1: A file") for line in lines)
    assert any(line.startswith("not pooled: student-5.html (sendfile): void: 9 requests") for line in lines)
    assert any(line.startswith("refused: broken.html: it is not a report") for line in lines)


def test_kernels_stand_in_the_order_of_their_numbers(found: Results) -> None:
    spec = charts.goes_with(found.pools[0], charts.ATTRIBUTES[0])
    assert spec is not None and spec["layer"][0]["encoding"]["x"]["sort"] == ["6.8", "6.9", "6.10"]


def test_a_fact_that_is_the_same_everywhere_is_named_and_not_drawn(found: Results, html: str) -> None:
    assert charts.goes_with(found.pools[0], charts.ATTRIBUTES[2]) is None
    assert "The same on all machines, or not on record: file system of the served file." in Tags(html).text


def test_rounds_are_drawn_around_the_same_middle_as_machines(found: Results) -> None:
    (pool,) = found.pools
    assert pool.summary is not None
    spec = charts.spread(pool)
    assert spec is not None
    rows = [row for rows in spec["datasets"].values() for row in rows if "where" in row]
    within = [row["ratio"] for row in rows if row["where"] == charts.WITHIN]
    assert len(within) == sum(each.paired.rounds for each in pool.machines)
    assert min(within) < pool.summary.ratio[0] < max(within)


def test_guesses_of_a_ratio_are_drawn_beside_what_was_measured() -> None:
    spec = charts.guessed_ratios(RatioGuesses("?", (0.5, 0.01), (0.33,), 0))
    rows = [row for rows in spec["datasets"].values() for row in rows if "where" in row]
    assert [(row["where"], row["ratio"]) for row in rows] == [("guessed", 0.5), ("guessed", 0.01), ("measured", 0.33)]


def test_no_machine_to_pool_is_a_page_that_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    classroom.hand_in(tmp_path, 0, quick=True)
    found = results(str(tmp_path))
    terminal.show(found)
    assert "no report of sendfile against read-send could be pooled" in capsys.readouterr().out
    assert "exploratory (QUICK=1)" in Tags(page.page(found)).text
