"""Limits of the control groups of this process, and how long they throttled it. Versions 1 and 2.

Its rule: any group above ours may set a limit, so all are read; where a version or controller is missing the answer is
None, "unknown", and "max" only where a group says so.

Sources: cgroups(7); the kernel's admin-guide/cgroup-v2 (cpu.max, cpu.stat, memory.max, memory.events) and cgroup-v1
(cpu.cfs_quota_us, cpu.stat, memory.limit_in_bytes, memory.oom_control).
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath

from units import format_size

MOUNT = Path("/sys/fs/cgroup")
_V1_UNLIMITED_BYTES = 1 << 62  # memory.limit_in_bytes without a limit: the largest multiple of a page


def cpu_limit(groups: str | None = None, mount: Path = MOUNT) -> str | None:
    """The tightest CPU limit as "QUOTA PERIOD" in microseconds, "max" for none.

    groups: the text of /proc/self/cgroup.
    """
    found: list[tuple[float, str]] = []
    for folder, version in _folders("cpu", groups, mount):
        text = text_of(folder / "cpu.max") if version == 2 else _v1_quota(folder)
        if text is not None:
            quota, _, period = text.partition(" ")
            found.append((float("inf") if quota == "max" else int(quota) / int(period or 1), text))
    return min(found)[1].replace("max 100000", "max") if found else None


def memory_limit(groups: str | None = None, mount: Path = MOUNT) -> str | None:
    """The tightest memory limit, like "512 MiB"; "max" for none."""
    found = []
    for folder, version in _folders("memory", groups, mount):
        text = text_of(folder / ("memory.max" if version == 2 else "memory.limit_in_bytes"))
        if text is not None:
            found.append(_V1_UNLIMITED_BYTES if text == "max" else int(text))
    return None if not found else "max" if min(found) >= _V1_UNLIMITED_BYTES else format_size(min(found))


def oom_kills(groups: str | None = None, mount: Path = MOUNT) -> int | None:
    """How many processes of our group the kernel has killed for lack of memory; where no group counts them, of the
    machine (/proc/vmstat, proc(5)); None: unknown."""
    counts = [
        folder / ("memory.events" if v == 2 else "memory.oom_control")
        for folder, v in _folders("memory", groups, mount)
    ]
    for path in (*counts, Path("/proc/vmstat")):
        fields = dict(line.split() for line in (text_of(path) or "").splitlines())
        if "oom_kill" in fields:
            return int(fields["oom_kill"])
    return None


def throttled_s(groups: str | None = None, mount: Path = MOUNT) -> float | None:
    """Seconds for which the CPU limits of our group and those above throttled us; None where no group counts them."""
    counts = [_throttled(path) for path in _cpu_stats(groups, mount)]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


@lru_cache(maxsize=8)
def _cpu_stats(groups: str | None, mount: Path) -> tuple[Path, ...]:
    """Found once, since they are read at every sample."""
    return tuple(
        folder / "cpu.stat"
        for folder, _ in _folders("cpu", groups, mount)
        if _throttled(folder / "cpu.stat") is not None
    )


def _throttled(path: Path) -> float | None:
    fields = dict(line.split() for line in (text_of(path) or "").splitlines())
    if "throttled_usec" in fields:  # version 2
        return int(fields["throttled_usec"]) / 1e6
    return int(fields["throttled_time"]) / 1e9 if "throttled_time" in fields else None  # version 1


def _folders(controller: str, groups: str | None, mount: Path) -> Iterator[tuple[Path, int]]:
    """The folders of our group and those above it where this controller may be, each with its version."""
    text = text_of(Path("/proc/self/cgroup")) if groups is None else groups
    for line in (text or "").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            roots, version = (mount, mount / "unified"), 2
        elif controller in controllers.split(","):
            roots, version = (mount / controllers, mount / controller), 1
        else:
            continue
        group = PurePosixPath(path)
        for root in dict.fromkeys(roots):
            for above in (group, *group.parents):
                yield root / above.relative_to("/"), version


def _v1_quota(folder: Path) -> str | None:
    quota, period = text_of(folder / "cpu.cfs_quota_us"), text_of(folder / "cpu.cfs_period_us")
    if quota is None or period is None:
        return None
    return "max" if int(quota) < 0 else f"{quota} {period}"


def text_of(path: Path | str) -> str | None:
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return None
