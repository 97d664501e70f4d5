"""Reports and guesses come from strangers: each file is taken whole, or refused by name with its reason."""

import base64
import json
import os
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from errors import UsageError, UserError
from reports.class_page import embedded, hand_ins, page, terminal
from reports.class_page.results import results
from reports.export import attachments
from reports.students import page as students
from tests.reports.class_page import classroom
from tests.reports.tags import Tags
from tests.reports.test_hostile import HOSTILE, nothing_breaks_out

_DATA = re.compile(r"(base64,)([A-Za-z0-9+/=]+)(\">records\.json)")
Json = dict[str, Any]
# fmt: off
VALUES: tuple[object, ...] = (
    None, 0, -1, 1, 1 << 60, 1e18, 5e-324, "", HOSTILE, "\x1b[2J", [], {}, True, "٣", "9" * 500,
)
# fmt: on


def forge(path: Path, change: Callable[[Json], object]) -> None:
    """Change the records inside a report."""

    def changed(found: re.Match[str]) -> str:
        records = json.loads(base64.b64decode(found[2]))
        made = change(records)
        text = made if isinstance(made, str) else json.dumps(records)
        return found[1] + base64.b64encode(text.encode(errors="surrogatepass")).decode() + found[3]

    path.write_text(_DATA.sub(changed, path.read_text()))


def refused(folder: Path) -> dict[str, str]:
    return {each.name: each.reason for each in hand_ins.read(str(folder)).refused}


def put(key: str, value: object, *where: str | int) -> Callable[[Json], object]:
    def change(records: Json) -> None:
        inner: Any = records
        for step in where:
            inner = inner[step]
        inner[key] = value

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda _: "{", "its records are damaged, or of another version: "),
        (lambda _: "[" * 100_000, "its records are damaged, or of another version: "),
        (lambda _: '{"x": ' + "[" * 100_000, "its records are damaged, or of another version: "),
        (lambda _: '"\ud800"', "its records are damaged, or of another version: "),
        (put("users", "four", "run"), "its records are damaged, or of another version: Expected `int`, got `str`"),
        (put("users", 10**30, "run"), "its records are damaged, or of another version: "),
        (put("wall_s", float("nan"), "rounds", 0), "its records are damaged, or of another version: "),
        (put("wall_s", -1.0, "rounds", 0), "its records are damaged, or of another version: "),
        (put("gib_per_s", 1e300, "rounds", 0, "metrics"), "its records are damaged, or of another version: "),
        (put("schema", 2, "run"), "its records are of version 2; version 1 is read here"),
        (put("baseline", "none", "run"), "run 'run-1' compares with 'none', which is not among its targets"),
        (put("rounds", []), "run 'run-1' holds no complete round"),
        (put("mode", "other", "rounds", 0), "run 'run-1' holds a cell of 'other'"),
        (lambda records: records["run"]["targets"].extend(records["run"]["targets"] * 30), "it has 62 modes; at most"),
        (lambda records: records["rounds"].extend(
            records["rounds"][0] | {"round": number} for number in range(20, 400)
        ), "it has 389 rounds; at most 200 are read"),
    ],
)  # fmt: skip
def test_records_that_no_run_of_ours_holds_are_refused(
    tmp_path: Path, change: Callable[[Json], object], reason: str
) -> None:
    classroom.hand_in(tmp_path, 0)
    forge(classroom.hand_in(tmp_path, 1), change)
    assert list(refused(tmp_path)) == ["student-1.html"]
    said = refused(tmp_path)["student-1.html"]
    assert said.startswith(reason) and "\n" not in said


def test_whatever_is_changed_in_the_records_the_page_is_made(tmp_path: Path) -> None:
    """Drawn from a seed: a value somewhere becomes another. The report is refused, or counted; nothing breaks."""
    drawn = random.Random(19)
    path = classroom.hand_in(tmp_path, 0)
    whole = path.read_text()

    def change(records: Json) -> None:
        inner: Any = records
        while isinstance(inner, dict | list) and inner:
            key = drawn.choice([*inner] if isinstance(inner, dict) else range(len(inner)))
            below = inner[key]
            if not isinstance(below, dict | list) or not below or drawn.random() < 0.1:
                inner[key] = drawn.choice(VALUES)
                return
            inner = below

    for _ in range(60):
        path.write_text(whole)
        forge(path, change)
        (tmp_path / "guesses.txt").write_text(line_of({"copies": "4", "fewer": "yes", "cost": "0.4", "calls": "10"}))
        try:
            found = results(str(tmp_path))
        except UserError as error:
            assert "student-0.html" in str(error) and "\n" not in str(error)
        else:
            nothing_runs(page.page(found))


def line_of(guesses: dict[str, str], run: str = "run-0") -> str:
    return json.dumps({"zero_copy_guesses": 1, "run": run, "guesses": guesses, "right": 1, "asked": 6})


def nothing_runs(html: str) -> None:
    tags = Tags(html)
    assert "img" not in [tag for tag, _ in tags.elements]
    assert not [name for _, attributes in tags.elements for name in attributes if name.startswith("on")]
    assert html.count("<script") == html.count("</script>")


def test_names_and_facts_are_text_and_steer_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = {"cpu_model": HOSTILE, "virtualisation": HOSTILE, "kernel": f"{HOSTILE} 6.8", "fsrm": f"\x1b[2J{HOSTILE}"}
    for number in range(3):
        name = f"\x1b[31m{HOSTILE.replace('/', '')[:40]}{number}"
        software = {"python": HOSTILE, "git_revision": HOSTILE}
        classroom.hand_in(tmp_path, number, name=name, host=host | {"boot_id": number}, software=software)
    classroom.hand_in(tmp_path, 3, failing="sendfile", reason=HOSTILE)
    classroom.hand_in(tmp_path, 4, modes=("read-send", HOSTILE))
    classroom.hand_in(tmp_path, 5, modes=("read-send", HOSTILE))
    (tmp_path / "\udcff.html").write_text(HOSTILE)
    (tmp_path / "lines.txt").write_text(f"{HOSTILE}\n{line_of({HOSTILE: HOSTILE}, HOSTILE)}\n")
    found = results(str(tmp_path))
    nothing_breaks_out(page.page(found))
    terminal.show(found)
    assert "\x1b" not in capsys.readouterr().out


def test_what_is_no_report_is_refused_by_name(tmp_path: Path) -> None:
    classroom.hand_in(tmp_path / "anna", 0, name="index")
    (tmp_path / "empty.html").write_bytes(b"")
    (tmp_path / "binary.html").write_bytes(bytes(range(256)) * 100)
    (tmp_path / "records.zip").write_bytes(b"PK")
    (tmp_path / "ben").mkdir()
    made = classroom.run(tmp_path / ".made", 7, stem="ben")
    students.write(made, tmp_path / "ben")
    students.write(made, tmp_path / "anna")  # beside its report, where it belongs
    os.mkfifo(tmp_path / "pipe.html")
    (tmp_path / "gone.html").symlink_to(tmp_path / "nowhere")
    (tmp_path / "zero.html").symlink_to("/dev/zero")
    nothing = "it is not a report of this project, or an older one; hand in the index.html of a run's report"
    assert refused(tmp_path) == {
        "ben/students.html": "it is a students' page, which has no measurements in it; hand in the index.html of a "
        "run's report",
        "binary.html": nothing,
        "empty.html": nothing,
        "gone.html": "there is no such file",
        "pipe.html": "it is not a file",
        "records.zip": "it is neither a page (.html) nor lines of guesses (.txt)",
        "zero.html": "it is not a file",
    }
    assert [report.name for report in hand_ins.read(str(tmp_path)).reports] == ["anna/index.html"]


def test_what_is_too_large_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classroom.hand_in(tmp_path, 0)
    monkeypatch.setattr(embedded, "MOST_BYTES", 1 << 20)
    with (tmp_path / "huge.html").open("wb") as file:
        file.truncate(1 << 40)
    assert refused(tmp_path) == {"huge.html": "it is larger than 1 MiB, the most that is read"}
    monkeypatch.setattr(attachments, "MOST_BYTES", 1000)
    assert refused(tmp_path)["student-0.html"] == "its records are larger than 1000 B, which no report's are"
    path = classroom.hand_in(tmp_path, 1)
    said = r"its records were too large to be put into the page \([\d.]+ KiB\): measure fewer modes"
    assert re.fullmatch(said, refused(tmp_path)[path.name])


def test_files_patterns_and_folders_are_found_each_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a class"
    made = {classroom.hand_in(folder / "x", 1), classroom.hand_in(folder, 2), classroom.hand_in(folder, 3)}
    (folder / ".hidden.html").write_text("")
    assert set(hand_ins.find(str(folder))) == made
    assert set(hand_ins.find(f"{folder}/*.html")) == made - {folder / "x" / "student-1.html"}
    assert set(hand_ins.find(f"{folder}/**/*.html")) >= made
    monkeypatch.chdir(folder)
    assert hand_ins.find("student-2.html x student-2.html") == [Path("student-2.html"), Path("x/student-1.html")]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "give REPORTS=.*, the reports of a class, or a folder of them"),
        ("a**b", "is not a pattern of files|nothing is called"),
        ("nowhere", "nothing is called 'nowhere'"),
        ("nowhere/*.html", "nothing is called 'nowhere/\\*.html'"),
        (".", "no file is in it"),
    ],
)
def test_what_names_no_file_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=says):
        results(given)


def test_without_any_report_the_reasons_are_the_error(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("hello")
    with pytest.raises(UserError, match=r"no report could be read: a\.html: it is not a report"):
        results(str(tmp_path))
