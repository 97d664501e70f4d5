"""Every gate of method.md §6: its limit, the worst that was seen, where, and what followed."""

from dataclasses import dataclass

from markupsafe import Markup

from reports.analysis.disturbance import GATES, DisturbanceRule
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "The gates"
ORDER = 125
HINT = "what could have disturbed a cell, and how near it came"
PER_WORKLOAD = True


@dataclass(frozen=True, slots=True)
class Row:
    """worst: the largest value of any cell; over: in how many rounds the limit was exceeded; cells as text."""

    name: str
    limit: str
    worst: str
    where: str
    over: int
    unknown: str
    fate: str


def render(run: RunData) -> Markup:
    rounds = len({cell.round for cell in run.measured.cells})
    rows = [_row(run, gate) for gate in GATES if gate.applies(run.run)]
    others = [gate.name for gate in GATES if not gate.applies(run.run)]
    return fragment("disturbance_limits.html", rows=rows, others=others, rounds=rounds)


def _row(run: RunData, gate: DisturbanceRule) -> Row:
    cells = run.measured.cells
    known = [(value, cell) for cell in cells if (value := gate.read(cell, run.run)) is not None]
    worst, where = max(known, key=lambda pair: pair[0]) if known else (None, None)
    return Row(
        name=gate.name,
        limit=gate.say(gate.limit),
        worst=gate.say(worst),
        where=f"round {where.round}, {where.mode}" if where and worst else "",
        over=len({cell.round for value, cell in known if value > gate.limit}),
        unknown=f"{len(cells) - len(known)} of {len(cells)}" if len(known) < len(cells) else "",
        fate="dropped, or void where it had to be kept" if gate.voids else "dropped" if gate.drops else "named",
    )
