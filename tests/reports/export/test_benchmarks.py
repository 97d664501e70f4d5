"""What tools read that watch benchmarks: one number per mode, with its interval, in the form that each asks for.

Neither reader is on PyPI or npm, so their fields are held here as they read them: Bencher's by its schema
(https://bencher.dev/bmf.json), github-action-benchmark's by extractCustomBenchmarkResult() of its src/extract.ts.
Apache Otava's own reader reads ours in test_trend.py.
"""

import json
from pathlib import Path

from reports.export.benchmarks import as_bmf, as_gha
from tests.reports import several_runs


def test_bencher_gets_a_value_between_its_bounds_for_each_mode(tmp_path: Path) -> None:
    run = several_runs.read(tmp_path, "a", rounds=8)
    found = json.loads(as_bmf(run))
    assert list(found) == list(run.dataset.modes)
    for measures in found.values():
        ((name, metric),) = measures.items()
        assert name == "server_cpu_s_per_gib" and len(name) <= 64
        assert set(metric) == {"value", "lower_value", "upper_value"}
        assert metric["lower_value"] <= metric["value"] <= metric["upper_value"]


def test_too_few_rounds_give_a_value_without_bounds(tmp_path: Path) -> None:
    run = several_runs.read(tmp_path, "a", rounds=3)
    assert {tuple(metric) for each in json.loads(as_bmf(run)).values() for metric in each.values()} == {("value",)}
    assert not any("range" in entry for entry in json.loads(as_gha(run)))


def test_github_action_benchmark_gets_a_list_of_what_is_better_when_smaller(tmp_path: Path) -> None:
    run = several_runs.read(tmp_path, "a", rounds=8)
    entries = json.loads(as_gha(run))
    assert [entry["name"] for entry in entries] == [f"{mode}: server CPU" for mode in run.dataset.modes]
    for entry in entries:
        assert set(entry) == {"name", "unit", "value", "range", "extra"}
        assert entry["unit"] == "s/GiB" and isinstance(entry["value"], float)
        assert " to " in entry["range"] and run.run.command in entry["extra"]
