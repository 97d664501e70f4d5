"""Names and files come from outside: none breaks out of the page, none brings the report down."""

import dataclasses
import re
from pathlib import Path

import pytest

from profiles.store.run_facts import Code, MetricFacts
from reports import page
from reports.run_data import read_run
from reports.students import page as students
from tests.reports import synthetic
from tests.reports.tags import Tags

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>\"'&"


def test_a_file_outside_the_runs_folder_is_never_read(tmp_path: Path) -> None:
    (tmp_path / "secret.svg").write_text("<svg>secret words</svg>")
    stored = synthetic.write(tmp_path, synthetic.run(rounds=6), sampled=False)
    lines = (stored.path / "profile.jsonl").read_text().replace('"flame-0.svg"', '"../secret.svg"')
    (stored.path / "profile.jsonl").write_text(lines)
    html = page.page(read_run(stored))
    assert "secret words" not in html
    assert "../secret.svg is not in the run&#39;s folder" in html


def test_hostile_names_come_out_as_text(tmp_path: Path) -> None:
    run = synthetic.run(("read-send", HOSTILE), 7, command=HOSTILE, reason=HOSTILE, host={HOSTILE: HOSTILE, "cpus": 2})
    run = dataclasses.replace(run, metrics=(*run.metrics, MetricFacts(HOSTILE, HOSTILE, "gauge", HOSTILE)))
    cells = [
        dataclasses.replace(cell, metrics=cell.metrics | {HOSTILE: 1.0}, failures=1, failure_names={HOSTILE: 1})
        for cell in synthetic.cells(run)
    ]
    stored = synthetic.write(tmp_path, run, cells, flame=f"<svg><text>{HOSTILE}</text></svg>")
    stored.append(Code("send", HOSTILE, HOSTILE, 1, HOSTILE), Code("answer", None, HOSTILE, 1, HOSTILE))
    data = read_run(stored)
    for html in (page.page(data), students.page(data)):
        nothing_breaks_out(html)


def nothing_breaks_out(html: str) -> None:
    tags = Tags(html)
    assert "img" not in [tag for tag, _ in tags.elements]
    assert not [name for _, attributes in tags.elements for name in attributes if name == "onerror"]
    assert html.count("<script") == html.count("</script>")
    assert "alert(2)" not in [word.strip() for word in re.findall(r"<script[^>]*>(.*?)</script>", html, re.S)]
    assert HOSTILE in "".join(tags.words)


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\x7f", "\n", "\u202e", "\ufffe", "\u2028"])
def test_no_sign_in_a_name_brings_the_report_down(tmp_path: Path, sign: str) -> None:
    """The SVG renderer aborts the process at some of them."""
    run = read_run(synthetic.write(tmp_path, synthetic.run(("read-send", f"odd{sign}name"), 2), sampled=False))
    assert "no verdict: 2 complete rounds" in page.page(run)
