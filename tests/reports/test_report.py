"""`python -m reports`: a page from the profile alone, or one clear line about why not."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reports.__main__ import main
from tests.commands import Done, run_here
from tests.conftest import PROJECT
from tests.reports import synthetic


def report(folder: Path, *arguments: str) -> Done:
    return run_here(main, *arguments, "--runs-folder", str(folder), "--reports-folder", str(folder / "r"))


def assert_one_line(done: Done, code: int, *words: str) -> None:
    assert done.returncode == code
    assert done.stdout == ""
    assert re.fullmatch(r"error: [^\n]+\n", done.stderr), done.stderr
    for word in words:
        assert word in done.stderr


def test_it_prints_the_table_the_verdicts_and_the_path_and_nothing_is_cut(tmp_path: Path) -> None:
    """As people start it: a process of its own."""
    synthetic.write(tmp_path, synthetic.run(("read-send", "sendfile", "read-whole")), sampled=False)
    command = [
        sys.executable,
        "-m",
        "reports",
        "synthetic",
        "--runs-folder",
        str(tmp_path),
        "--reports-folder",
        f"{tmp_path}/r",
    ]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for text in (
        "CPU s/GiB", "GiB/s", "ctx switches/GiB", "peak memory", "540 MiB",
        "\nsendfile uses 0.33x [0.32, 0.33] the server CPU per GiB of read-send (10 rounds, 97.5 % CI)\n",
        f"\nreport: {tmp_path}/r/synthetic/index.html\n",
    ):  # fmt: skip
        assert text in done.stdout
    assert "\x1b" not in done.stdout and "…" not in done.stdout


def test_a_void_run_still_gets_its_page(tmp_path: Path) -> None:
    run = synthetic.run(rounds=6)
    cells = synthetic.cells(run)
    cells[0] = synthetic.cell(cells[0].mode, 0, 0, failures=1, failure_names={"reset": 1})
    synthetic.write(tmp_path, run, cells, sampled=False)
    done = report(tmp_path, "synthetic")
    assert done.returncode == 0
    assert "sendfile: void: the baseline read-send: 1 request failed (1 × reset)" in done.stdout


def test_the_latest_run_is_the_default(tmp_path: Path) -> None:
    """The one that began last by its own record: copied folders have other times."""
    begins = {
        "newest": "2026-01-03T00:00:00+01:00",
        "older": "2026-01-02T22:59:59+00:00",
        "oldest": "2026-01-01T00:00:00Z",
    }
    for age, (name, begun) in enumerate(begins.items()):
        stored = synthetic.write(tmp_path, synthetic.run(rounds=1, name=name, started_at=begun), sampled=False)
        os.utime(stored.path / "run.json", (1_700_000_000 + age, 1_700_000_000 + age))
    assert f"{tmp_path}/r/newest/index.html" in report(tmp_path).stdout


def test_a_later_run_without_a_complete_round_is_passed_over_aloud(tmp_path: Path) -> None:
    synthetic.write(tmp_path, synthetic.run(rounds=1, name="kept"), sampled=False)
    run = synthetic.run(rounds=3, name="cut-short", state="interrupted", started_at="2026-06-01T00:00:00+00:00")
    synthetic.write(tmp_path, run, synthetic.cells(run)[:1], sampled=False)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    done = report(tmp_path)
    assert done.returncode == 0 and f"{tmp_path}/r/kept/index.html" in done.stdout
    lines = sorted(done.stderr.splitlines())
    assert len(lines) == 2
    assert lines[0].startswith("skipped run 'broken': cannot read ")
    assert lines[1] == "skipped run 'cut-short': it holds no complete round (1 cell, state interrupted)"


def test_runs_without_any_complete_round_are_one_error(tmp_path: Path) -> None:
    run = synthetic.run(rounds=3, state="interrupted")
    synthetic.write(tmp_path, run, synthetic.cells(run)[:1], sampled=False)
    done = report(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("error: no campaign in ") and "make load" in done.stderr


def test_a_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    synthetic.write(tmp_path, synthetic.run(("read-send", "\x1b[2J[red]x"), 6), sampled=False)
    done = report(tmp_path, "synthetic")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout and "[red]x" in done.stdout


def test_an_unknown_run_is_named_with_those_there_are(tmp_path: Path) -> None:
    assert_one_line(report(tmp_path), 2, "there is no run", "make load")
    assert_one_line(report(tmp_path, "nope"), 2, "no run 'nope'", "it is empty")
    synthetic.write(tmp_path, synthetic.run(rounds=1), sampled=False)
    assert_one_line(report(tmp_path, "nope"), 2, "no run 'nope'", "choose from synthetic")
    assert_one_line(report(tmp_path, "../synthetic"), 2, "not a valid run name")
    assert_one_line(report(tmp_path, "x" * 300), 1, "cannot look for runs", "File name too long")


def test_a_run_without_a_complete_round_has_nothing_to_report(tmp_path: Path) -> None:
    run = synthetic.run(rounds=3, state="interrupted")
    synthetic.write(tmp_path, run, synthetic.cells(run)[:1], sampled=False)
    assert_one_line(report(tmp_path, "synthetic"), 1, "no complete round", "state interrupted")


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"name": "x"}', b"\xff\xfe"])
def test_a_broken_run_file_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    (tmp_path / "broken").mkdir()
    if content is not None:
        (tmp_path / "broken" / "run.json").write_bytes(content)
    assert_one_line(report(tmp_path, "broken"), 1, "run.json")


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    synthetic.write(tmp_path, synthetic.run(rounds=1), sampled=False)
    (tmp_path / "r").write_text("a file where a folder should be")
    assert_one_line(report(tmp_path, "synthetic"), 1, "cannot write", "r/synthetic/")
