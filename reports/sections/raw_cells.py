"""The raw data: every cell, so that anyone can recompute the results."""

from markupsafe import Markup

from profiles.store.records import Cell
from profiles.store.run_folder import FILES
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "Raw data"
ORDER = 130
HINT = "one row per mode and round"
PER_WORKLOAD = True

MOST_CELLS = 240


def render(run: RunData) -> Markup:
    cells = sorted(run.dataset.cells, key=lambda cell: (cell.round, cell.position))
    found = {name for cell in cells for name in cell.metrics}
    known = [facts.name for facts in run.run.metrics if facts.name in found]
    more = found - set(known)
    return fragment(
        "raw_cells.html",
        cells=cells[:MOST_CELLS],
        count=len(cells),
        metrics=known + sorted(more),
        units={facts.name: facts.unit for facts in run.run.metrics},
        suspicious=run.validity.suspicious,
        dropped=run.dataset.dropped,
        file=FILES[Cell],
    )
