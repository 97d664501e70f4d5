"""The limits of docs/method.md §6 for disturbances: each with the worst value seen, where, and what followed."""

from markupsafe import Markup

from reports.analysis.disturbance import RULES, DisturbanceRule
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "Disturbance limits"
ORDER = 125
HINT = "what could have disturbed a measurement, and how close it came"
PER_WORKLOAD = True


def render(run: RunData) -> Markup:
    rounds = len({cell.round for cell in run.dataset.cells})
    rows = [_row(run, gate) for gate in RULES if gate.applies(run.run)]
    others = [gate.name for gate in RULES if not gate.applies(run.run)]
    return fragment("disturbance_limits.html", rows=rows, others=others, rounds=rounds)


def _row(run: RunData, gate: DisturbanceRule) -> tuple[str, str, str, str, int, str, str]:
    """Name, limit, worst value, its round and mode, rounds over the limit, cells without a value, consequence."""
    cells = run.dataset.cells
    known = [(value, cell) for cell in cells if (value := gate.read(cell, run.run)) is not None]
    worst, where = max(known, key=lambda pair: pair[0]) if known else (None, None)
    missing = len(cells) - len(known)
    return (
        gate.name,
        gate.say(gate.limit),
        gate.say(worst),
        f"round {where.round}, {where.mode}" if where and worst else "",
        len({cell.round for value, cell in known if value > gate.limit}),
        f"{missing} of {len(cells)} measurements" if missing else "none",
        "round dropped; void if it has to be kept" if gate.voids else "round dropped" if gate.drops else "reported",
    )
