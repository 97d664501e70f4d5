"""A run of rounds and slices (docs/method.md §2): its report says how it was made, and shows slices on demand."""

import base64
import csv
import dataclasses
import gzip
import io
import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from profiles.store.records import Slice
from profiles.store.run_facts import Code
from reports import page
from reports.comparison.differences import differences, other_question
from reports.explanations import layout
from reports.export.files import FORMATS, PROFILE_FORMATS, export
from reports.history import entries
from reports.history.page import write_history
from reports.history.terminal import show_history
from reports.run_data import read_run
from reports.students import page as students
from tests.reports import sliced, synthetic
from tests.reports.tags import Tags

MODES = ("read-send", "sendfile", "read-whole")
SUMMARIES = ("summary.json", "summary.md", "bencher.json", "github-action-benchmark.json")


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    return page.page(read_run(sliced.write(tmp_path_factory.mktemp("sliced"), sliced.run(MODES))))


def text_of(folder: Path, **changes: Any) -> str:
    return Tags(page.page(read_run(sliced.write(folder, sliced.run(MODES, **changes))))).text


@pytest.mark.parametrize(
    "said",
    [
        "9 rounds of fresh servers: 2 mirrored sweeps over the modes, in slices of 0.15 s or more; 4 users",
        "What ended the rounds: every interval was within ±5 % after 9 rounds.",
        "stolen time counts as a process's CPU timeno: proved here",
        "process clockexcludes steal: wall - CPU 0.021 s, steal 0.020 s in 5 s",
        "of its first sweep, which is then run backwards",
        "Point: the slices of one mode in one round.",
    ],
)
def test_it_says_how_it_was_measured(html: str, said: str) -> None:
    assert said in Tags(html).text


def test_it_has_no_word_about_windows(html: str) -> None:
    assert not re.search(r"\bwindows?\b", Tags(html).text)


def test_its_first_screen_lists_no_rounds(html: str) -> None:
    first = html[: html.index('<section class="folded"')]
    assert "left out" not in Tags(first).text and not re.search(r"rounds? \d+(?![.\d])", Tags(first).text)


@pytest.mark.parametrize(
    ("proved", "says"), [(False, "yes, or partly: stolen time costs the mode that had it"), (None, "unknown")]
)
def test_a_clock_that_is_not_proved_to_exclude_steal_is_said_to_be(
    tmp_path: Path, proved: bool | None, says: str
) -> None:
    text = text_of(tmp_path, clock_excludes_steal=proved)
    assert f"stolen time counts as a process's CPU time{says}" in text


def test_a_cold_run_has_slices_of_one_download() -> None:
    assert layout(sliced.run(cache="cold")) == "2 mirrored sweeps over the modes, in slices of one download"
    assert layout(synthetic.run(cache="cold")) == "each mode once, in one download"
    assert layout(sliced.run(cache="both")).endswith("in slices of 0.15 s or more, or one download from the disk")


def packed(html: str) -> dict[str, Any]:
    found = re.search(r'<details class="slices">.*?<script type="text/plain">(.*?)</script>', html, re.S)
    assert found
    unpacked: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(found[1])))
    return unpacked


def test_every_slice_is_on_the_page_and_weighs_little(tmp_path: Path) -> None:
    run = sliced.run((*MODES, *(f"mode-{number}" for number in range(12))), 16)
    stored = sliced.write(tmp_path, run)
    data = read_run(stored)
    html = page.page(data)
    assert len(data.slices) == 15 * 16 * 4
    assert len(html) - len(page.page(dataclasses.replace(data, slices=()))) < 100_000
    found = packed(html)
    assert len(found["rows"]) == len(data.slices) and found["modes"] == list(run.modes)
    cells = {(cell.round, cell.mode): cell for cell in stored.read_cells()}
    sums: dict[tuple[int, str], int] = {}
    for number, _, mode, *_, received, _, _, _, _ in found["rows"]:
        key = (number, found["modes"][mode])
        sums[key] = sums.get(key, 0) + received
    assert all(sums[key] == cells[key].received_bytes for key in cells)


def test_a_run_of_windows_has_no_slices_and_keeps_its_words(tmp_path: Path) -> None:
    html = page.page(read_run(synthetic.write(tmp_path, synthetic.run(MODES))))
    assert '<details class="slices">' not in html
    text = Tags(html).text
    assert "window, s" in text and "warm-up, discarded0.500 s" in text and "measured window2 s" in text
    assert "stolen time" not in text and "what ended the rounds" not in text


def test_slices_leave_as_a_table_of_their_own(tmp_path: Path) -> None:
    stored = sliced.write(tmp_path, sliced.run(sliced.VARIANTS, name="a"))
    paths = export(tmp_path, "a", set(FORMATS) - set(PROFILE_FORMATS), tmp_path / "reports")
    tables = [f"{name}.{ending}" for name in ("rounds", "slices", "trend") for ending in ("csv", "parquet")]
    assert [path.name for path in paths] == [*tables, *SUMMARIES]
    lines = list(csv.DictReader(io.StringIO(paths[2].read_text())))
    parquet = duckdb.read_parquet(str(paths[3]))
    rows = [dict(zip(parquet.columns, row, strict=True)) for row in parquet.fetchall()]
    slices = stored.read(Slice)
    assert len(lines) == len(rows) == len(slices) == 4 * 9 * 4
    for each, line, row in zip(slices, lines, rows, strict=True):
        assert (row["run"], row["mode"], line["mode"], row["number"]) == ("a", each.mode, each.mode, each.number)
        assert row["server_cpu_s"] == float(line["server_cpu_s"]) == each.server_cpu_s
        assert row["received_bytes"] == int(line["received_bytes"]) == each.received_bytes


def test_what_a_record_does_not_say_is_an_empty_cell_of_the_columns_own_type(tmp_path: Path) -> None:
    synthetic.write(tmp_path, synthetic.run(rounds=6, name="old"), flame=None, sampled=False)
    csv_path, parquet_path, *_ = export(tmp_path, "old", FORMATS, tmp_path / "reports")
    line = next(csv.DictReader(io.StringIO(csv_path.read_text())))
    assert line["span_s"] == line["offered_bytes"] == "" and line["failure_names"] == "{}"
    types = dict(zip((parquet := duckdb.read_parquet(str(parquet_path))).columns, parquet.types, strict=True))
    assert (str(types["span_s"]), str(types["offered_bytes"]), str(types["slices"])) == ("DOUBLE", "BIGINT", "BIGINT")


def test_an_exploratory_run_says_so_first_and_is_listed_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = sliced.run(MODES, 3, quick=True, name="quick", stopped="the limit of 3 rounds")
    html = page.page(read_run(sliced.write(tmp_path, run)))
    text = Tags(html).text
    assert text.index("Exploratory: read-send against") < text.index("Exploratory result")
    assert "3 rounds are too few for a verdict" in text
    assert '<h2 id="verdict-title">Verdict' not in html and "inconclusive" not in text
    history = entries.history(tmp_path)
    assert ", exploratory" in Tags(write_history(history, tmp_path / "reports").read_text()).text
    show_history(history)
    assert "exploratory" in capsys.readouterr().out


def test_layout_matters_to_a_comparison_and_changes_no_question() -> None:
    old, new = synthetic.run(), sliced.run(quick=True, seconds=60.0)
    assert other_question(old, new, old.modes) is None
    found = {each.name: each for each in differences(old, new)}
    assert found["layout of a round"].matters and not found["layout of a round"].question
    assert "slices of 0.15 s" in found["layout of a round"].b
    assert "process clock" not in found, "its figures differ in any two runs"


def test_the_students_page_quotes_the_code_of_a_variant(tmp_path: Path) -> None:
    stored = sliced.write(tmp_path, sliced.run(sliced.VARIANTS))
    stored.append(
        *(Code("send", mode, "servers/modes/x.py", 1, f"def send_file(): {mode[:4]}\n") for mode in MODES[:2])
    )
    text = Tags(students.page(read_run(stored))).text
    assert text.count("def send_file()") >= 4
