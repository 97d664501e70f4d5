"""A run that asked both questions, saturated and paced (docs/method.md §2): one page, and each result names its own."""

import csv
import dataclasses
import io
import re
from pathlib import Path
from typing import Any

import pytest

from errors import UsageError
from profiles.store.run_folder import RunFolder
from reports import page, terminal
from reports.analysis.disturbance import RULES, behind_share
from reports.analysis.text import printable
from reports.comparison import comparison
from reports.comparison.page import write_comparison
from reports.export.attachments import downloads
from reports.export.files import export
from reports.history import entries
from reports.history.page import write_history
from reports.run_data import RunData, find, read_campaign, read_run
from reports.sections import disturbance_limits
from tests.reports import synthetic
from tests.reports.tags import Tags
from units import MIB

RATE = 900 * MIB
PACED: dict[str, Any] = {
    "question": "paced",
    "rate_bytes_per_s": RATE,
    "pilot_bytes_per_s": {"read-send": 1.5 * RATE, "sendfile": 3e9},
}


def write(folder: Path, name: str = "both", *, rounds: int = 8, arrived: float = 1.0) -> RunFolder:
    """arrived: of the bytes that were offered to sendfile at the pace, the share that came."""
    whole = synthetic.run(name=name, rounds=8)
    paced = dataclasses.replace(whole, name=f"{name}/paced", **PACED)
    stored = synthetic.write(folder, whole, flame=None, sampled=False)
    cells = [
        dataclasses.replace(
            cell,
            received_bytes=(came := round(2 * RATE * (arrived if cell.mode == "sendfile" else 1.0))),
            downloads=came // synthetic.SIZE_BYTES,
            offered_bytes=2 * RATE,
        )
        for cell in synthetic.cells(paced, seed=5)
    ]
    synthetic.write(folder, paced, cells[: 2 * rounds], flame=None, sampled=False)
    return stored


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return read_run(write(tmp_path_factory.mktemp("both")))


@pytest.fixture(scope="module")
def html(both: RunData) -> str:
    return page.page(both)


def test_every_result_stands_once_per_question_and_names_it(html: str) -> None:
    headings = re.findall(r'<h2 id="[^"]+">([^<]+)</h2>', html)
    for title in (
        "Verdict",
        "Key numbers",
        "Ratios, round by round",
        "What each mode costs",
        "Download latency",
        "Disturbance limits",
    ):
        found = [heading for heading in headings if heading.startswith(title)]
        assert found == [f"{title} · saturated", f"{title} · paced at 900 MiB/s"]
    assert [heading for heading in headings if heading.startswith("Machine,")] == ["Machine, software and settings"]
    text = Tags(html).text
    assert text.count("the server CPU per GiB of read-send (8 rounds, 95 % CI)") == 2
    assert "Two workloads were run: saturated, and paced at the same rate for every mode (8 rounds)" in text
    assert "read-send was the slowest with 1.3 GiB/s" in text


def test_latency_says_how_it_was_taken_in_each(html: str) -> None:
    text = Tags(html).text
    saturated, paced = text.split("Download latency · saturated")[-1].split("Download latency · paced")
    assert "latency under full load" in saturated and "intended" not in saturated
    assert "offered at 900 MiB/s" in paced and "counts from its intended start" in paced


def test_a_gate_of_another_question_has_no_number(both: RunData, html: str) -> None:
    saturated, paced = Tags(html).text.split("Disturbance limits · saturated")[-1].split("Disturbance limits · paced")
    assert "Not applicable to this run: " in saturated and "resident pages, fell behind." in saturated
    assert "resident pages." in paced and "fell behind2 % (void)02 %0" in paced
    cold = dataclasses.replace(both, run=dataclasses.replace(both.run, cache="cold"))
    assert "absent pages, fell behind." in disturbance_limits.render(cold)


def test_ids_are_there_once_and_each_badge_leads_to_its_own_reasons(html: str) -> None:
    tags = Tags(html)
    ids = [attributes["id"] for _, attributes in tags.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] for _, attributes in tags.elements if attributes.get("class", "").startswith("badge ")
             and "href" in attributes]  # fmt: skip
    assert links == ["#validity", "#validity-paced"] and {link[1:] for link in links} <= set(ids)


def test_a_mode_that_fell_behind_the_rate_is_void_in_that_question_alone(tmp_path: Path) -> None:
    run = read_run(write(tmp_path, arrived=0.975))
    assert run.paced is not None
    assert (run.verdicts[0].kind, run.paced.verdicts[0].kind) == ("less", "void")
    assert run.paced.verdicts[0].sentence == (
        "void: less than 98 % of the offered bytes arrived (worst: fell behind 2.5 %)"
    )
    assert read_run(write(tmp_path, "just", arrived=0.985)).void == frozenset()


def test_what_was_offered_and_is_not_on_record_is_unknown_and_never_in_time(both: RunData) -> None:
    assert both.paced is not None
    paced = both.paced
    cell = dataclasses.replace(paced.dataset.cells[0], offered_bytes=None)
    assert behind_share(cell, paced.run) is None
    (rule,) = (rule for rule in RULES if rule.read is behind_share)
    assert rule.applies(paced.run) and not rule.applies(both.run), "a saturated cell has nothing to fall behind"


def test_the_terminal_shows_both(both: RunData, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show(both)
    said = capsys.readouterr().out
    assert said.index("8 complete rounds, saturated") < said.index("8 complete rounds, paced at 900 MiB/s")
    assert said.count("\nsendfile uses ") == 2


@pytest.mark.parametrize("cells", [0, 1])
def test_a_pace_that_was_asked_for_and_not_measured_is_said_to_be(
    tmp_path: Path, cells: int, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = write(tmp_path, rounds=0)
    paced = stored.paced.read_run()
    for one in [cell for cell in synthetic.cells(paced) if cell.mode != paced.baseline][:cells]:
        stored.paced.append(one)
    run = read_run(stored)
    terminal.show(run)
    why = f"it holds no complete round ({cells} cell{'s' * (cells != 1)}, state done)"
    assert why in capsys.readouterr().out and why in Tags(page.page(run)).text


def test_both_leave_with_the_page_and_as_files(both: RunData, tmp_path: Path) -> None:
    names = [download.name for download in downloads(both)]
    assert names == ["rounds.csv", "records.json", "rounds-paced.csv", "records-paced.json"]
    write(tmp_path / "profiles")
    paths = export(tmp_path / "profiles", "both", ("csv",), tmp_path / "reports")
    ends = ("rounds.csv", "trend.csv", "paced/rounds.csv", "paced/trend.csv")
    assert paths == [tmp_path / "reports" / "both" / end for end in ends]
    rows = list(csv.DictReader(io.StringIO(paths[2].read_text())))
    assert {row["run"] for row in rows} == {"both/paced"} and {row["offered_bytes"] for row in rows} == {str(2 * RATE)}


def test_the_paced_part_is_listed_and_compared_under_a_name_of_its_own(tmp_path: Path) -> None:
    profiles, reports = tmp_path / "profiles", tmp_path / "reports"
    write(profiles)
    write(profiles, "later")
    history = entries.history(profiles)
    assert [entry.name for entry in history.entries] == ["both", "both/paced", "later", "later/paced"]
    page.report(find(profiles, "both"), reports)
    assert write_history(history, reports).read_text().count('href="both/index.html"') == 2
    a, b = (read_campaign(profiles, f"{name}/paced") for name in ("both", "later"))
    assert comparison.compared(a, b).question is None
    assert write_comparison(comparison.compared(a, b), reports).name == "both-paced--later-paced.html"
    other = comparison.compared(a, read_campaign(profiles, "later"))
    assert "question paced against saturated" in str(other.question)


@pytest.mark.parametrize("name", ["/paced", "../paced", "both/paced/paced", "both/other", "both/paced/"])
def test_no_other_path_is_the_name_of_a_run(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=re.escape(printable(name))):
        find(tmp_path, name)
