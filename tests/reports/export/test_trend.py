"""The runs that asked the same, a row each, and Apache Otava's own reader, which finds the run that became dearer."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.export.table import as_csv
from reports.export.trend import trend
from reports.run_data import read_campaign
from tests.conftest import PROJECT
from tests.reports import several_runs

OTAVA = PROJECT / "build" / "otava" / "bin" / "otava"


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    """Sixteen runs, a day apart; from the ninth on sendfile costs half as much again."""
    for number in range(16):
        several_runs.write(
            tmp_path,
            f"run-{number}",
            seed=number,
            dearer=1.0 if number < 8 else 1.5,
            started_at=f"2025-03-{number + 1:02}T12:00:00+00:00",
        )
    yield tmp_path


def test_every_run_that_asked_the_same_is_a_row_without_a_gap(runs: Path) -> None:
    several_runs.write(runs, "other", users=9)
    several_runs.write(runs, "void", failing="sendfile", started_at="2025-02-01T12:00:00+00:00")
    table = trend(read_campaign(runs, "run-3"), runs)
    assert table.columns == (
        "time", "run", "read-send_s_per_gib", "sendfile_s_per_gib", "read-whole_s_per_gib", "sendfile_to_baseline",
        "read-whole_to_baseline",
    )  # fmt: skip
    assert [row[1] for row in table.rows] == [f"run-{number}" for number in range(16)]
    assert all(isinstance(value, float) and value > 0 for row in table.rows for value in row[2:])


@pytest.mark.slow
def test_apache_otava_reads_it_and_finds_the_run_that_became_dearer(runs: Path) -> None:
    otava = OTAVA if OTAVA.exists() else shutil.which("otava")
    if otava is None:
        pytest.skip("apache-otava is not installed (PyPI); `make test-all` installs it where it can be had")
    (runs / "trend.csv").write_text(as_csv(trend(read_campaign(runs, "run-3"), runs)))
    config = (PROJECT / "examples" / "ci" / "otava.yaml").read_text()
    (runs / "otava.yaml").write_text(config)
    done = subprocess.run(
        [otava, "analyze", "zero-copy", "--config-file", "otava.yaml", "--since", "2025-01-01", "--attrs", "run"],
        cwd=runs, capture_output=True, text=True, check=False, timeout=60, env=os.environ | {"TZ": "UTC"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    found = next(at for at, line in enumerate(lines) if "%" in line)
    assert "run-8" in lines[found + 2], done.stdout
