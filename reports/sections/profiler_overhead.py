"""What watching cost: throughput and CPU per GiB of the profile pass beside the score's (method.md §1).

Its rule: a pass in which py-spy recorded nothing, as of a server without Python, is no pass with py-spy; and what was
recorded during a load by hand is a part of its numbers, and stands beside nothing.
"""

from markupsafe import Markup

from profiles.store.records import Cell
from reports.analysis.rounds import PRIMARY
from reports.analysis.text import UNKNOWN, number, times
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "Observer effect: what the profilers cost"
ORDER = 122
HINT = "throughput and CPU with them and without"

_METRICS = (("Throughput, GiB/s", "gib_per_s"), ("Server CPU, s/GiB", PRIMARY))


def render(run: RunData) -> Markup:
    if run.interactive:
        return Markup("")
    recorded = [profile.cell for profile in run.measured.profiles if profile.reason is None]
    watched = {"py-spy": {cell.mode: cell for cell in recorded}}
    watched["perf"] = {deep.mode: deep.cell for deep in run.deep_profiles if deep.cell is not None}
    profilers = [name for name, cells in watched.items() if cells]
    modes = [mode for mode in run.measured.modes if any(mode in watched[name] for name in profilers)]
    if not modes:
        return Markup("")
    tables = [
        (label, [(mode, _row(run, mode, metric, [watched[name].get(mode) for name in profilers])) for mode in modes])
        for label, metric in _METRICS
    ]
    return fragment("profiler_overhead.html", tables=tables, profilers=profilers)


def _row(run: RunData, mode: str, metric: str, cells: list[Cell | None]) -> list[tuple[str, str]]:
    """A number, and how many times the score's it is: first of the score, then of each profiler's pass."""
    scored = run.measured.spread(mode, metric)
    alone = scored.median if scored else None
    row = [(number(alone), "")]
    for cell in cells:
        if cell is None:
            row.append(("not run", ""))
            continue
        value = cell.metrics.get(metric)
        row.append((number(value), times(value / alone) if value and alone else UNKNOWN))
    return row
