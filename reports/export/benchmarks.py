"""A run for the tools that watch benchmarks from commit to commit: Bencher, and github-action-benchmark.

Its rule: one number per mode, the server CPU per GiB, with the interval that holds the middle of its rounds with 95 %.
What must not be used is left out. Rounds of two runs were never paired: how far a number moves from run to run is for
the tool to learn, and `make gate` judges within one run.
"""

from collections.abc import Iterator

import msgspec

from reports.analysis.paired_ratio import FAMILY_CONFIDENCE, Estimate, hodges_lehmann
from reports.analysis.rounds import PRIMARY, value
from reports.analysis.text import number, plural
from reports.run_data import RunData


def as_bmf(run: RunData) -> bytes:
    """Bencher Metric Format, JSON: by benchmark, by measure (https://bencher.dev/docs/reference/bencher-metric-format/)."""
    found = {}
    for mode, (middle, low, high) in _costs(run):
        ends = {} if low is None or high is None else {"lower_value": low, "upper_value": high}
        found[mode] = {PRIMARY: {"value": middle} | ends}
    return _json(found)


def as_gha(run: RunData) -> bytes:
    """github-action-benchmark's customSmallerIsBetter (https://github.com/benchmark-action/github-action-benchmark)."""
    rounds = plural(len(run.dataset.rounds), "round")
    return _json(
        [
            {"name": f"{mode}: server CPU", "unit": "s/GiB", "value": middle, "extra": f"{rounds}\n{run.run.command}"}
            | ({} if low is None or high is None else {"range": f"{number(low)} to {number(high)}"})
            for mode, (middle, low, high) in _costs(run)
        ]
    )


def _costs(run: RunData) -> Iterator[tuple[str, Estimate]]:
    for mode in (mode for mode in run.dataset.modes if mode not in run.void):
        values = [cost for cells in run.dataset.rounds if mode in cells and (cost := value(cells[mode], PRIMARY))]
        if values:
            yield mode, hodges_lehmann(values, FAMILY_CONFIDENCE)


def _json(found: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
