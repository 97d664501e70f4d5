"""Every comparison that a reader of the page can choose, precomputed: any metric, any mode as the baseline.

Its rule: only the comparison declared before the run has verdicts and Bonferroni intervals; all others are exploratory,
with plain intervals and no verdict (docs/method.md §4).
"""

import itertools
from dataclasses import dataclass
from typing import Any

from profiles.store.records import Cell
from reports.analysis.paired_ratio import Paired, paired_ratio
from reports.analysis.rounds import PRIMARY, Dataset, value
from reports.analysis.text import interval
from reports.run_data import RunData


@dataclass(frozen=True, slots=True)
class ExplorerMetric:
    """per_gib: divide it by the GiB received."""

    label: str
    name: str
    per_gib: bool = False


DECLARED = ExplorerMetric("server CPU per GiB", PRIMARY)
EXPLORATORY = (
    ExplorerMetric("throughput", "gib_per_s"),
    ExplorerMetric("client CPU per GiB", "client_cpu_s_per_gib"),
    ExplorerMetric("whole machine's CPU per GiB", "machine_cpu_s_per_gib"),
    ExplorerMetric("voluntary switches per GiB", "voluntary_switches", per_gib=True),
    ExplorerMetric("involuntary switches per GiB", "involuntary_switches", per_gib=True),
    ExplorerMetric("minor page faults per GiB", "minor_faults", per_gib=True),
    ExplorerMetric("peak memory", "peak_rss_bytes"),
)


def choices(run: RunData) -> dict[str, Any]:
    """What the page's script needs (templates/choose.js), without void modes.

    values: by metric and mode, one per round, null if unknown. compared: by metric, baseline and mode: [estimate, low,
    high, text], where low and high are null if there are too few rounds.
    """
    fit = [mode for mode in run.dataset.modes if mode not in run.void]
    metrics = (DECLARED, *EXPLORATORY)
    return {
        "baseline": run.run.baseline,
        "modes": fit,
        "rounds": [next(iter(cells.values())).round for cells in run.dataset.rounds],
        "metrics": {metric.name: metric.label for metric in metrics},
        "values": {metric.name: _values(run.dataset, metric, fit) for metric in metrics},
        "compared": {metric.name: _compared(run.dataset, metric, fit) for metric in metrics},
    }


def _values(dataset: Dataset, metric: ExplorerMetric, modes: list[str]) -> dict[str, list[float | None]]:
    return {mode: [_short(_value(cells.get(mode), metric)) for cells in dataset.rounds] for mode in modes}


def _value(cell: Cell | None, metric: ExplorerMetric) -> float | None:
    """None also for a mode without a cell in the round."""
    return None if cell is None else value(cell, metric.name, per_gib=metric.per_gib)


def _short(number: float | None) -> float | None:
    """Six digits are enough for a dot."""
    return None if number is None else float(f"{number:.6g}")


def _compared(dataset: Dataset, metric: ExplorerMetric, modes: list[str]) -> dict[str, dict[str, list[Any]]]:
    found: dict[str, dict[str, list[Any]]] = {baseline: {} for baseline in modes}
    for baseline, mode in itertools.combinations(modes, 2):
        if pairs := dataset.pairs(mode, metric.name, per_gib=metric.per_gib, against=baseline):
            paired = paired_ratio(pairs)
            found[baseline][mode], found[mode][baseline] = _shown(paired), _shown(paired.inverted)
    return found


def _shown(paired: Paired) -> list[Any]:
    return [*map(_short, paired.estimate), interval(*paired.estimate)]
