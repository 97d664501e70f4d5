"""What a profiler recorded of one mode, as every format of profiles takes it.

Its rule: the counts are the samples as they were taken. What a sample costs is said beside them, where it is known.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from profiles.store.records import PythonFrames
from reports.analysis.text import UNKNOWN, number, quantity
from reports.flames.copy_tax import PYTHON, Stack
from reports.flames.perf_profile import read_folded
from reports.flames.tree import strip_suffix
from reports.run_data import RunData

PERF, PY_SPY = "perf", "py-spy"
PYTHON_FRAMES: Mapping[PythonFrames | None, str] = {
    "trampoline": "from the interpreter's perf trampoline",
    "joined": "joined from py-spy's samples",
    None: "none",
}
_PLACE = re.compile(r"(?P<name>.+) \((?P<file>[^()]+?)(?::(?P<line>\d+))?\)")


@dataclass(frozen=True, slots=True)
class SampledStacks:
    """counts: samples by stack, root first, each frame with the suffix of its kind (copy_tax.KERNEL, copy_tax.PYTHON).

    ms_per_sample: CPU ms/GiB that one stands for; None where only their shares are known. started_at: of the run, ISO
    8601. facts: about the profile, in words, in the order to be shown.
    """

    mode: str
    profiler: str
    counts: Mapping[Stack, int]
    ms_per_sample: float | None
    started_at: str
    facts: Mapping[str, str]

    @property
    def samples(self) -> int:
        return sum(self.counts.values())

    @property
    def weights(self) -> dict[Stack, float]:
        """CPU ms/GiB by stack; samples where that is unknown."""
        each = 1.0 if self.ms_per_sample is None else self.ms_per_sample
        return {stack: count * each for stack, count in self.counts.items()}

    @property
    def started_s(self) -> float:
        """Seconds since 1970; 0, which is "unknown" in every format, where the record does not say."""
        try:
            return max(0.0, datetime.fromisoformat(self.started_at).timestamp())
        except (ValueError, OverflowError):
            return 0.0

    @property
    def title(self) -> str:
        return f"{self.mode}, {'samples' if self.ms_per_sample is None else 'CPU ms per GiB'}"


def sampled_stacks(run: RunData, mode: str) -> SampledStacks | None:
    """perf's samples of a mode, else py-spy's; None where neither is on record. Raises UserError for malformed ones."""
    if (perf := run.perf.get(mode)) is not None:
        told = {
            "sampled": f"{number(perf.profile.counted_s)} s, {perf.profile.rate_hz} samples per second of CPU time",
            "samples": number(perf.samples),
            "CPU time": f"{number(round(perf.total_ms))} ± {number(round(perf.error_ms))} ms/GiB",
            "Python frames": PYTHON_FRAMES[perf.profile.python],
        }
        counts = {stack: round(value / perf.ms_per_sample) for stack, value in perf.stacks.items()}
        return _sampled(run, mode, PERF, counts, perf.ms_per_sample, told)
    profile = run.profile(mode)
    raw = run.attachments.get(profile.raw) if profile and profile.raw else None
    if profile is None or profile.raw is None or raw is None:
        return None
    counts = {
        tuple(f"{frame}{PYTHON}" for frame in stack): count
        for stack, count in read_folded(profile.raw, raw.decode(errors="replace")).items()
    }
    return _sampled(run, mode, PY_SPY, counts, None, {"samples": number(sum(counts.values()))}) if counts else None


def _sampled(
    run: RunData,
    mode: str,
    profiler: str,
    counts: Mapping[Stack, int],
    ms_per_sample: float | None,
    told: Mapping[str, str],
) -> SampledStacks:
    about, target = run.run, run.target(mode)
    facts = {
        "run": about.name,
        "mode": mode,
        "data path": target.summary,
        "options": ", ".join(f"{name} {quantity(size, 'bytes')}" for name, size in target.options.items()) or "none",
        "profiler": profiler,
        **told,
        "kernel": str(about.host.get("kernel") or UNKNOWN),
        "CPU": str(about.host.get("cpu_model") or UNKNOWN),
        "Python": str(about.software.get("python") or UNKNOWN),
    }
    return SampledStacks(mode, profiler, counts, ms_per_sample, about.started_at, facts)


@dataclass(frozen=True, slots=True)
class Place:
    """A frame without its kind. file and line: of a line of Python, None where they are unknown."""

    name: str
    file: str | None = None
    line: int | None = None


@cache
def place(frame: str) -> Place:
    """send_file (servers/modes/sendfile.py:24)_[p] in its parts."""
    name = strip_suffix(frame)
    found = _PLACE.fullmatch(name) if frame.endswith(PYTHON) else None
    if found is None:
        return Place(name)
    return Place(found["name"], found["file"], int(found["line"]) if found["line"] else None)
