"""The rounds leave the bench as they were measured, in files that other programs read."""

import base64
import csv
import dataclasses
import gzip
import io
import json
from pathlib import Path

import duckdb
import pytest

from errors import UserError
from profiles.store.records import Run
from profiles.store.run_facts import Code
from reports import page
from reports.export import attachments
from reports.export.files import FORMATS, PROFILE_FORMATS, as_parquet, export
from reports.export.summary import as_json, as_markdown
from reports.export.table import Table, as_csv, rounds
from reports.run_data import read_campaign, read_run
from tests.reports import several_runs, synthetic
from tests.reports.tags import Tags
from tests.reports.test_hostile import HOSTILE


def test_csv_and_parquet_hold_every_cell_and_the_same_numbers(tmp_path: Path) -> None:
    folder = several_runs.write(tmp_path, "a", rounds=6)
    cells = folder.read_cells()
    paths = export(tmp_path, "a", FORMATS, tmp_path / "reports")
    names = (
        "rounds.csv",
        "rounds.parquet",
        "trend.csv",
        "trend.parquet",
        "summary.json",
        "summary.md",
        "bencher.json",
        "github-action-benchmark.json",
    )
    assert paths == [tmp_path / "reports" / "a" / name for name in names]
    lines = list(csv.DictReader(io.StringIO(paths[0].read_text())))
    parquet = duckdb.read_parquet(str(paths[1]))
    rows = [dict(zip(parquet.columns, row, strict=True)) for row in parquet.fetchall()]
    assert len(lines) == len(rows) == len(cells) == 18
    for cell, line, row in zip(sorted(cells, key=lambda c: (c.round, c.position)), lines, rows, strict=True):
        assert (row["run"], row["round"], row["mode"]) == ("a", cell.round, cell.mode)
        assert row["received_bytes"] == int(line["received_bytes"]) == cell.received_bytes
        for name, value in cell.metrics.items():
            assert row[name] == value and line[name] == ("" if value is None else str(value))


def test_rounds_that_no_verdict_rests_on_are_there_and_marked(tmp_path: Path) -> None:
    run = synthetic.run(rounds=7, name="cut")
    cells = [cell for cell in synthetic.cells(run) if (cell.round, cell.mode) != (6, run.baseline)]
    synthetic.write(tmp_path, run, cells, flame=None, sampled=False)
    rows = rounds(read_campaign(tmp_path, "cut"))
    judged = [row[rows.columns.index("judged")] for row in rows.rows]
    assert judged == [True] * 12 + [False]


def test_any_name_is_a_column_and_any_text_a_value() -> None:
    odd = Table(
        ('x"; DROP TABLE rounds; --', "naïve\n", "n"), (str, float, int), ((HOSTILE, 1e-300, 2**62), ("", None, -1))
    )
    assert list(csv.reader(io.StringIO(as_csv(odd), newline=""))) == [
        list(odd.columns), [HOSTILE, "1e-300", str(2**62)], ["", "", "-1"]
    ]  # fmt: skip


def test_parquet_keeps_odd_names_and_refuses_what_a_column_cannot_hold(tmp_path: Path) -> None:
    odd = Table(('x"; DROP TABLE rounds; --', "b"), (str, bool), ((HOSTILE, True), ("", None)))
    (tmp_path / "odd.parquet").write_bytes(as_parquet(odd))
    found = duckdb.read_parquet(str(tmp_path / "odd.parquet"))
    assert (found.columns, found.fetchall()) == (list(odd.columns), list(odd.rows))
    with pytest.raises(UserError, match="cannot write this table as Parquet"):
        as_parquet(Table(("n",), (int,), ((2**70,),)))


def test_a_metric_that_is_called_like_a_column_of_ours_gets_another_name(tmp_path: Path) -> None:
    run = several_runs.read(tmp_path, "a", rounds=6)
    cells = tuple(dataclasses.replace(c, metrics={"Round": 1.0, "ROUND": 2.0}) for c in run.dataset.cells)
    rows = rounds(dataclasses.replace(run, dataset=dataclasses.replace(run.dataset, cells=cells)))
    assert rows.columns[-2:] == ("Round_2", "ROUND_3")


def test_the_report_carries_its_rounds_and_its_records_inside(tmp_path: Path) -> None:
    stored = synthetic.write(tmp_path, synthetic.run(rounds=6), sampled=False)
    data, path = page.report(stored, tmp_path / "reports")
    links = {
        attributes["download"]: attributes["href"]
        for tag, attributes in Tags(path.read_text()).elements
        if tag == "a" and "download" in attributes
    }
    contents = {name: base64.b64decode(uri.partition("base64,")[2]) for name, uri in links.items()}
    assert contents["synthetic-rounds.csv"].decode() == as_csv(rounds(data))
    records = json.loads(contents["synthetic-records.json"])
    assert len(records["rounds"]) == len(stored.read_cells()) and records["run"]["seed"] == 7


def test_the_digest_of_a_modes_code_tells_apart_what_ran_other_code(tmp_path: Path) -> None:
    """The code that all modes share is in the digest of each; a variant runs its mode's code."""

    def digests(shared: str, sendfile: str) -> dict[str, str]:
        modes = ("read-send", "sendfile", "sendfile@chunk=64KiB")
        stored = synthetic.write(tmp_path / f"{shared} {sendfile}", synthetic.run(modes, rounds=2), sampled=False)
        stored.append(Code("receive", None, "a.py", 1, shared), Code("send", "sendfile", "b.py", 1, sendfile))
        return attachments.code_digests(read_run(stored))

    one, own, common = digests("x", "y"), digests("x", "z"), digests("w", "y")
    assert set(one) == {"sendfile", "sendfile@chunk=64KiB"}
    assert len({each["sendfile"] for each in (one, own, common)}) == 3
    assert one["sendfile"] == one["sendfile@chunk=64KiB"]


def test_data_that_would_make_the_page_heavy_are_named_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "MOST_BYTES", 1000)
    html = page.page(several_runs.read(tmp_path, "a"))
    assert "too much for this page" in html and "data:text/csv" not in html
    assert attachments.RECORD_ID in html  # what reproduces the run stays


def test_the_record_inside_is_the_one_on_disk() -> None:
    run: Run = synthetic.run()
    assert attachments.record(run)["command"] == run.command


def test_the_summary_holds_what_the_report_says(tmp_path: Path) -> None:
    run = several_runs.read(tmp_path, "a", failing="read-whole")
    found = json.loads(as_json(run))
    assert (found["run"], found["baseline"], found["validity"]["badge"]) == ("a", "read-send", "valid; 1 mode void")
    base, sendfile, whole = found["modes"]
    assert base["verdict"] is None and base["metrics"]["server_cpu_s_per_gib"]["unit"] == "s/GiB"
    assert sendfile["server_cpu_to_baseline"]["low"] < 0.33 < sendfile["server_cpu_to_baseline"]["high"]
    assert sendfile["verdict"]["sentence"] == run.verdicts[0].sentence and whole["verdict"]["kind"] == "void"
    assert found["cheapest_first"] == [["sendfile"], ["read-send"]] and found["ranking"] == list(run.ranking)


def test_markdown_is_a_table_that_no_name_can_break(tmp_path: Path) -> None:
    run = several_runs.read(tmp_path, "a", failing="read-whole")
    lines = as_markdown(run).splitlines()
    assert lines[0] == "**a**: medians of 8 complete rounds, saturated, page cache warm"
    rows = [line for line in lines if line.startswith("|")]
    assert rows[2].startswith("| read-send | baseline | 0.4") and rows[3].startswith("| sendfile | 0.33x \\[0.32, ")
    assert rows[4].startswith("| read-whole | void | ") and {row.count("|") for row in rows} == {7}
    assert "- cheapest: sendfile; then read-send; not ranked: read-whole (void)" in lines
    hostile = dataclasses.replace(run, run=dataclasses.replace(run.run, name="a|b\n# <img src=x>"))
    first, second, *_ = as_markdown(hostile).splitlines()
    assert first.startswith("**a\\|b\N{REPLACEMENT CHARACTER}# &lt;img src=x&gt;**") and second == ""


def test_profiles_are_written_in_every_format_and_a_mode_without_one_is_named(tmp_path: Path) -> None:
    run = synthetic.run(("read-send", "sendfile"), 6, name="a")
    synthetic.write(tmp_path, run, sampled=False)
    stored = (tmp_path / "a" / "profile.jsonl").read_text().splitlines()
    (tmp_path / "a" / "profile.jsonl").write_text(stored[0] + "\n")
    said: list[str] = []
    paths = export(tmp_path, "a", tuple(PROFILE_FORMATS), tmp_path / "reports", said.append)
    endings = (".speedscope.json", ".firefox.json", ".pb.gz", ".folded")
    assert [path.name for path in paths] == [f"read-send{ending}" for ending in endings]
    assert said == ["no profile is on record of sendfile; the report of a says why"]
    assert gzip.decompress(paths[2].read_bytes()).count(b"send_file") == 1


def test_a_run_without_profiles_has_tables_and_says_that_there_is_no_profile(tmp_path: Path) -> None:
    synthetic.write(tmp_path, synthetic.run(rounds=6, name="a"), flame=None, sampled=False)
    said: list[str] = []
    assert len(export(tmp_path, "a", FORMATS, tmp_path / "reports", said.append)) == 8
    assert said == ["no profile is on record of read-send, sendfile; the report of a says why"]
    with pytest.raises(UserError, match="run 'a' has no profile to write"):
        export(tmp_path, "a", ("pprof",), tmp_path / "reports")
