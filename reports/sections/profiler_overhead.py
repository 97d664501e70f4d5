"""What profiling cost: throughput and CPU per GiB of each profiled pass beside the measured rounds (docs/method.md §1).

Its rule: a pass in which py-spy recorded nothing (a server without Python) is not shown. A load by hand is profiled
while it is measured, so there is nothing to compare with.
"""

from markupsafe import Markup

from profiles.store.records import Cell
from reports.analysis.rounds import PRIMARY
from reports.analysis.text import UNKNOWN, number, times
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "Profiler overhead"
ORDER = 122
HINT = "throughput and CPU with and without profilers"

_METRICS = (("Throughput, GiB/s", "gib_per_s"), ("Server CPU, s/GiB", PRIMARY))


def render(run: RunData) -> Markup:
    if run.interactive:
        return Markup("")
    profiled = {
        "with py-spy": {each.cell.mode: each.cell for each in run.dataset.profiles if each.reason is None},
        "with perf": {each.mode: each.cell for each in run.deep_profiles if each.cell is not None},
    }
    passes = {name: cells for name, cells in profiled.items() if cells}
    modes = [mode for mode in run.dataset.modes if any(mode in cells for cells in passes.values())]
    if not modes:
        return Markup("")
    tables = [
        (
            label,
            [
                ("", mode, "", "", _cells(run, mode, metric, [each.get(mode) for each in passes.values()]))
                for mode in modes
            ],
        )
        for label, metric in _METRICS
    ]
    return fragment("profiler_overhead.html", tables=tables, columns=["no profiler", *passes])


def _cells(run: RunData, mode: str, metric: str, profiled: list[Cell | None]) -> list[tuple[str, str]]:
    """The value without a profiler, then that of each profiled pass with its ratio to the first."""
    spread = run.dataset.spread(mode, metric)
    alone = spread.median if spread else None
    found = [(number(alone), "")]
    for cell in profiled:
        value = cell.metrics.get(metric) if cell else None
        ratio = times(value / alone) if value and alone else UNKNOWN
        found.append((number(value), ratio) if cell else ("not run", ""))
    return found
