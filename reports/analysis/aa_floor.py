"""The A/A floor: what this machine calls a difference between two equals (docs/method.md §5). Pure.

Its rule: it comes from a duplicate of the baseline that ran as one more mode, in the same rounds. The floor is how far
the plain 95 % interval of duplicate / baseline reaches from 1. An interval that does not hold 1 is no calibration: it
widens δ in its own run, and is not saved for others.
"""

from profiles.store.records import Floor, Run
from reports.analysis.paired_ratio import paired_ratio
from reports.analysis.rounds import PRIMARY, Dataset


def floor_of_run(dataset: Dataset) -> Floor | None:
    """From this run's duplicate; None without one, or with too few rounds for an interval."""
    run = dataset.run
    pairs = dataset.pairs(run.duplicate, PRIMARY) if run.duplicate else []
    paired = paired_ratio(pairs) if pairs else None
    if paired is None or paired.low is None or paired.high is None:
        return None
    return Floor(paired.low, paired.high, paired.rounds, run.name, run.ended_at or run.started_at)


def effective_floor(dataset: Dataset) -> Floor | None:
    """The run's own, else the one saved by an earlier run; None: unknown."""
    return floor_of_run(dataset) or dataset.run.floor


def conditions(run: Run) -> dict[str, str | int | float | None]:
    """What a floor holds for: the machine, and the settings that decide how much its numbers scatter."""
    facts = ("cpu_model", "cpus", "memory_bytes", "kernel", "virtualisation", "cgroup_cpu_max", "governor", "pinning")
    baseline = next(target for target in run.targets if target.name == run.baseline)
    return {
        **{name: run.host.get(name) for name in facts},
        "baseline": run.baseline,
        **{f"option {name}": value for name, value in baseline.options.items()},
        "question": run.question,
        **({} if run.rate_bytes_per_s is None else {"rate_bytes_per_s": run.rate_bytes_per_s}),
        **({} if run.cache == "warm" else {"cache": run.cache}),
        **({} if run.host.get("interface") == "loopback" else {"interface": run.host.get("interface")}),
        **({"workers": run.workers} if run.workers else {}),
        "users": run.users,
        "sink": run.sink,
        "window_s": run.window_s,
        **({} if run.slice_s is None else {"slice_s": run.slice_s}),
        "file_bytes": run.file.size_bytes,
    }
