"""A run that an earlier version of this project stored (old_run/, of commit 9f4cc17) is read, and reported."""

import json
import shutil
from pathlib import Path

from profiles.store import old_runs
from profiles.store.records import Probe, Profile
from profiles.store.run_folder import RunFolder
from reports import run_data

OLD_RUN = Path(__file__).with_name("old_run")


def test_its_records_are_read_with_todays_names() -> None:
    folder = RunFolder(OLD_RUN)
    run, cells = folder.read_run(), folder.read_cells()
    assert {metric.name for metric in run.metrics} >= {"cpu_probe_us", "server_cpu_s_per_gib"}
    assert len(cells) == len(run.order) * len(run.modes) == 8
    assert all((cell.metrics["cpu_probe_us"] or 0) > 0 for cell in cells)
    assert [profile.cell.mode for profile in folder.read(Profile)] == ["read-send"]
    assert [probe.users for probe in folder.read(Probe)] == [8]
    assert [target.external for target in run.targets] == [None, None]


def test_its_names_are_in_the_file_and_not_in_the_code() -> None:
    """Or this tests nothing."""
    stored = (OLD_RUN / "rounds.jsonl").read_text() + (OLD_RUN / "run.json").read_text()
    assert all(f'"{name}"' in stored for name in (*old_runs.METRICS, *old_runs.TARGET_FIELDS))
    assert not any(f'"{name}"' in stored for name in (*old_runs.METRICS.values(), *old_runs.TARGET_FIELDS.values()))


def test_an_external_server_stays_one() -> None:
    run = json.loads((OLD_RUN / "run.json").read_text())
    run["targets"][1]["guest"] = "container"
    assert [target["external"] for target in old_runs.translated_run(run)["targets"]] == [None, "container"]


def test_todays_names_are_left_alone() -> None:
    run = {"metrics": [{"name": "cpu_probe_us"}, {"name": "cpu_s"}], "targets": [{"external": "pid"}]}
    assert old_runs.translated_run(run) == run
    assert old_runs.translated_cell({"cpu_probe_us": 300.0, "round": 1}) == {"cpu_probe_us": 300.0, "round": 1}


def test_its_report_has_its_numbers(tmp_path: Path) -> None:
    shutil.copytree(OLD_RUN, tmp_path / "old_run")
    run = run_data.read_run(RunFolder(tmp_path / "old_run"))
    assert [verdict.mode for verdict in run.verdicts] == ["sendfile"]
    assert run.dataset.modes == ("read-send", "sendfile")
