"""`make open` finds the report that is meant, and says where it lies when nothing can open it."""

import dataclasses
import os
import stat
from pathlib import Path

import pytest

from errors import UsageError
from profiles.store.run_folder import RunFolder
from reports import open_report
from tests.reports import synthetic


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    for number, name in enumerate(("older", "newer")):
        page = tmp_path / "reports" / name / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text(name)
        os.utime(page, ns=(number, number))
    (tmp_path / "reports" / "index.html").write_text("the list of runs")
    return tmp_path / "reports"


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An xdg-open that notes what it was asked for, and says the exit code that stands in a file."""
    opener = tmp_path / "xdg-open"
    opener.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/asked\necho no browser >&2\nexit "$(cat {tmp_path}/code)"\n')
    opener.chmod(opener.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "code").write_text("0")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":0")
    return tmp_path


def test_the_latest_is_meant_unless_another_is_named(reports: Path) -> None:
    assert open_report.find(reports, reports.parent / "profiles", None).read_text() == "newer"
    assert open_report.find(reports, reports.parent / "profiles", "older").read_text() == "older"


def test_the_latest_is_the_run_that_began_last_whenever_its_files_were_written(reports: Path) -> None:
    for name, day in (("older", 7), ("newer", 5)):
        folder = RunFolder(reports.parent / "profiles" / name)
        folder.create()
        folder.write_run(dataclasses.replace(synthetic.run(), started_at=f"2026-01-0{day}T00:00:00+00:00"))
    assert open_report.find(reports, reports.parent / "profiles", None).read_text() == "older"


def test_what_is_not_there_is_said_with_what_there_is(reports: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no report 'oldr' .*; did you mean older\? \(there are older, newer\)"):
        open_report.find(reports, tmp_path, "oldr")
    with pytest.raises(UsageError, match=r"there is no report in .*`make load`"):
        open_report.find(tmp_path / "nowhere", tmp_path, None)
    (tmp_path / "fresh").mkdir()
    (tmp_path / "fresh" / "run.json").write_text("{}")
    with pytest.raises(UsageError, match=r"run 'fresh' has no report .*: build it with `make report RUN=fresh`"):
        open_report.find(reports, tmp_path, "fresh")


def test_the_desktop_opens_it(reports: Path, desktop: Path) -> None:
    page = open_report.find(reports, reports.parent / "profiles", None)
    assert open_report.show(page) is None
    assert (desktop / "asked").read_text().strip() == page.as_uri()


def test_why_nothing_opened_it_is_said(reports: Path, desktop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_report.find(reports, reports.parent / "profiles", None)
    (desktop / "code").write_text("3")
    assert open_report.show(page) == "xdg-open failed: no browser"
    monkeypatch.setenv("PATH", str(reports))
    assert "not installed" in (open_report.show(page) or "")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert open_report.show(page) == "there is no desktop here"
