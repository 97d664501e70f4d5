"""A load by hand is reported with its numbers, and never with a word of a verdict."""

from dataclasses import replace
from pathlib import Path

import pytest

from errors import UsageError
from profiles.store.run_folder import RunFolder
from reports import page, run_data, terminal
from reports.history import entries
from reports.run_data import read_campaign
from tests.reports import synthetic
from tests.reports.tags import Tags

VERDICT_WORDS = (" uses 0.", "no difference", "inconclusive", "CI)", "as a multiple of", "Savings at")
CAMPAIGN_WORDS = ("separate passes", "Profiler overhead", "no profiler", "its seed was")


@pytest.fixture
def stored(tmp_path: Path) -> RunFolder:
    """One round, all modes at once, as load/interactive/recorded_load.py writes it."""
    return synthetic.write(
        tmp_path, replace(synthetic.run(rounds=1, name="by-hand"), kind="interactive", warm_up_s=0.0)
    )


def test_its_page_says_what_it_is_and_concludes_nothing(stored: RunFolder, tmp_path: Path) -> None:
    run, path = page.report(stored, tmp_path / "reports")
    assert run.verdicts == () and run.sensitivity is None
    shown = path.read_text()
    assert "Interactive, not a campaign: nothing was paired, so nothing is concluded." in shown
    body = Tags(shown).text
    assert not [words for words in VERDICT_WORDS if words in body]
    assert not [words for words in CAMPAIGN_WORDS if words in body]
    assert "read-send and sendfile Run by-hand" in body
    assert "The profiles were recorded during the load." in body
    assert "Key numbers" in body and "What each mode costs" in body
    assert "started by hand and recorded for 2 s, 4 users; " in body
    assert not (path.parent / "students.html").exists()


def test_the_terminal_says_so_too(stored: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show(run_data.read_run(stored))
    said = capsys.readouterr().out
    assert "interactive, not a campaign" in said and "no verdict" not in said


def test_it_is_neither_the_latest_run_nor_compared_nor_in_the_list(stored: RunFolder, tmp_path: Path) -> None:
    synthetic.write(tmp_path, synthetic.run(rounds=6, name="campaign", started_at="2025-02-01T12:00:00+00:00"))
    told: list[str] = []
    assert run_data.find(tmp_path, None, told.append).path.name == "campaign"
    assert told == [f"skipped run 'by-hand': {run_data.INTERACTIVE}"]
    with pytest.raises(UsageError, match="interactive, not a campaign"):
        read_campaign(tmp_path, "by-hand")
    history = entries.history(tmp_path)
    assert [entry.name for entry in history.entries if entry.name != "reports"] == ["campaign"]
