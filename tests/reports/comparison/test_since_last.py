"""A run says what changed since the same question was asked, and nothing where it was not."""

from pathlib import Path
from typing import Any

import pytest

from reports.comparison.since_last import since_last
from reports.run_data import read_run
from tests.reports import several_runs

EARLIER, LATER = "2025-02-01T12:00:00+00:00", "2025-02-02T12:00:00+00:00"


def said(tmp_path: Path, **changes: Any) -> list[str]:
    folder = several_runs.write(tmp_path, "now", **changes)
    return list(since_last(folder, read_run(folder)))


def test_the_latest_run_that_asked_the_same_is_compared_without_a_verdict(tmp_path: Path) -> None:
    several_runs.write(tmp_path, "first", started_at=EARLIER)
    several_runs.write(tmp_path, "last", seed=3, started_at=LATER)
    (line,) = said(tmp_path, dearer=1.2, failing="read-whole")
    assert line.startswith("server CPU since last run (last, 2025-02-02 12:00 UTC): read-send ")
    assert "sendfile 1.2" in line and "read-whole" not in line, "void numbers are not used"
    assert line.endswith(" (across runs: not paired, between-run variation unknown)")


@pytest.mark.parametrize(
    "other",
    [
        {"sink": "copy"},
        {"modes": ("read-send", "sendfile")},
        {"host": {"cpu_model": "another"}},
        {"state": "failed"},
        {"started_at": "2025-03-02T12:00:00+00:00"},
        {"kind": "interactive"},
    ],
)
def test_another_question_another_machine_or_a_later_run_is_none(tmp_path: Path, other: dict[str, Any]) -> None:
    several_runs.write(tmp_path, "other", **{"started_at": EARLIER} | other)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    assert said(tmp_path) == []
