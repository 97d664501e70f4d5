"""The raw data: every mode in every round, and on demand the slices that it is the sum of."""

from markupsafe import Markup

from profiles.store.records import Cell, Slice
from profiles.store.run_folder import FILES
from reports.analysis.rounds import number_of
from reports.mode_names import mode_colours
from reports.run_data import RunData
from reports.templating import fragment, packed_json

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
        judged={number_of(cells) for cells in run.dataset.rounds},
        file=FILES[Cell],
        sliced=run.run.slice_s is not None,
        slices=_slices(run),
    )


def _slices(run: RunData) -> Markup:
    """A closed form whose script draws one round; the slices of all rounds are packed, a few bytes each."""
    if not run.slices:
        return Markup("")
    colours = mode_colours(tuple(dict.fromkeys((*run.run.modes, *(each.mode for each in run.slices)))))
    modes, rounds = list(colours), dict.fromkeys(each.round for each in run.slices)
    rows = [_row(each, modes) for each in run.slices]
    packed = packed_json({"modes": modes, "colours": list(colours.values()), "rows": rows})
    return fragment("slices.html", rounds=list(rounds), count=len(run.slices), packed=packed, file=FILES[Slice])


def _row(each: Slice, modes: list[str]) -> list[int | float | None]:
    """In the order of the table's columns (templates/slices.html), the mode by its place."""
    costs = (each.server_cpu_s, each.client_cpu_s, each.steal_s)
    return [
        each.round,
        each.number,
        modes.index(each.mode),
        round(each.started_s, 2),
        round(each.wall_s, 4),
        each.cycles,
        each.received_bytes,
        each.failures,
        *(None if cost is None else round(cost, 5) for cost in costs),
    ]
