"""Limits of control groups, of both versions and of any group above ours; what is not there is unknown."""

from pathlib import Path

import pytest

from profiles.metrics import cgroup

V2 = "0::/slice/unit\n"
V1 = "4:memory:/box\n2:cpu,cpuacct:/box\n0::/\n"


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("groups", "files", "limit"),
    [
        (V2, {"slice/unit/cpu.max": "max 100000", "slice/cpu.max": "150000 100000"}, "150000 100000"),
        (V2, {"slice/unit/cpu.max": "50000 100000", "slice/cpu.max": "150000 100000"}, "50000 100000"),
        (V2, {"slice/unit/cpu.max": "max 100000"}, "max"),
        (V1, {"cpu,cpuacct/box/cpu.cfs_quota_us": "-1", "cpu,cpuacct/box/cpu.cfs_period_us": "100000"}, "max"),
        (V1, {"cpu/box/cpu.cfs_quota_us": "20000", "cpu/box/cpu.cfs_period_us": "100000"}, "20000 100000"),
        (V2, {}, None),
        ("", {}, None),
    ],
)
def test_the_tightest_cpu_limit_of_all_groups_counts(
    tmp_path: Path, groups: str, files: dict[str, str], limit: str | None
) -> None:
    assert cgroup.cpu_limit(groups, write(tmp_path, files)) == limit


@pytest.mark.parametrize(
    ("groups", "files", "limit"),
    [
        (V2, {"slice/unit/memory.max": "max", "slice/memory.max": "1073741824"}, "1 GiB"),
        (V2, {"slice/unit/memory.max": "max"}, "max"),
        (V1, {"memory/box/memory.limit_in_bytes": "9223372036854771712"}, "max"),
        (V1, {"memory/box/memory.limit_in_bytes": "536870912"}, "512 MiB"),
        (V2, {}, None),
    ],
)
def test_the_memory_limit(tmp_path: Path, groups: str, files: dict[str, str], limit: str | None) -> None:
    assert cgroup.memory_limit(groups, write(tmp_path, files)) == limit


@pytest.mark.parametrize(
    ("groups", "files", "kills"),
    [
        (V2, {"slice/unit/memory.events": "low 0\noom 3\noom_kill 2\n", "slice/memory.events": "oom_kill 9"}, 2),
        (V2, {"slice/memory.events": "oom_kill 9"}, 9),
        (V1, {"memory/box/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 4"}, 4),
    ],
)
def test_kills_for_lack_of_memory_are_counted_by_the_nearest_group(
    tmp_path: Path, groups: str, files: dict[str, str], kills: int
) -> None:
    assert cgroup.oom_kills(groups, write(tmp_path, files)) == kills


def test_where_no_group_counts_kills_the_machine_does(tmp_path: Path) -> None:
    found = cgroup.oom_kills("", tmp_path)
    assert found is None or found >= 0


@pytest.mark.parametrize(
    ("groups", "files", "seconds"),
    [
        (V2, {"slice/unit/cpu.stat": "throttled_usec 1500000", "slice/cpu.stat": "throttled_usec 250000"}, 1.75),
        (V1, {"cpu/box/cpu.stat": "nr_throttled 2\nthrottled_time 2000000000"}, 2.0),
        (V2, {"slice/unit/cpu.stat": "usage_usec 5"}, None),
        ("", {}, None),
    ],
)  # fmt: skip
def test_throttling_is_summed_over_the_groups_or_unknown(
    tmp_path: Path, groups: str, files: dict[str, str], seconds: float | None
) -> None:
    assert cgroup.throttled_s(groups, write(tmp_path, files)) == seconds
