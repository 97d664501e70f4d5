"""Which question a run answers: at full speed or at an offered rate, from memory or from disk. Pure.

Its rule: a result names its question (docs/method.md §2), since the same mode may win one and lose the other.
"""

from profiles.store.records import Run
from reports.analysis.text import UNKNOWN
from units import exact_size, format_size

CACHE = {
    "warm": "page cache warm",
    "cold": "page cache cold: each cell is one download of a file that was dropped from the page cache before (caches "
    "of the disk and of a hypervisor are not known)",
    "both": "page cache warm; of modes with @cold it is cold: each of their slices is one download of a file that was "
    "dropped from it before (caches of the disk and of a hypervisor are not known)",
}


def label(run: Run) -> str:
    """saturated, or paced at 171 MiB/s"""
    return "saturated" if run.question == "saturated" else f"paced at {rate_of(run)}"


def caption(run: Run) -> str:
    """saturated, page cache warm"""
    return f"{label(run)}, page cache {'warm and cold' if run.cache == 'both' else run.cache}"


def sentence(run: Run) -> str:
    """The question as a sentence of its own, without its full stop."""
    return f"{label(run)}: {_aim(run)} · {CACHE[run.cache]}"


def turn(run: Run) -> str:
    """How long a slice is: 0.1 s or more"""
    least = f"{run.slice_s or 0.0:g} s or more"
    return {"warm": least, "cold": "one download", "both": f"{least}, or one download from the disk"}[run.cache]


def chosen(run: Run) -> str:
    """How the offered rate was chosen; empty when saturated."""
    if not run.pilot_bytes_per_s or run.question == "saturated":
        return ""
    slowest = min(run.pilot_bytes_per_s, key=lambda mode: run.pilot_bytes_per_s[mode])
    return (
        f"The rate follows from a saturated pilot, which is not scored: {slowest} was the slowest with "
        f"{format_size(run.pilot_bytes_per_s[slowest])}/s."
    )


def rate_of(run: Run) -> str:
    """171 MiB/s"""
    return UNKNOWN if run.rate_bytes_per_s is None else f"{exact_size(run.rate_bytes_per_s)}/s"


def _aim(run: Run) -> str:
    if run.question == "paced":
        return "the cost and latency of the same work"
    if run.cache != "warm":
        return "as fast as one user can download"
    return "as fast as server and client together can go"
