"""What can disturb a measurement (docs/method.md §6): its limits, the worst value, and how often."""

from markupsafe import Markup

from reports.analysis.disturbance import RULES, DisturbanceRule
from reports.analysis.text import plural
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "Disturbance limits"
ORDER = 125
HINT = "what could have disturbed a measurement, how close it came, and in how many rounds"
PER_WORKLOAD = True


def render(run: RunData) -> Markup:
    rounds = len({cell.round for cell in run.dataset.cells})
    rows = [_row(run, rule) for rule in RULES if rule.applies(run.run)]
    others = [rule.name for rule in RULES if not rule.applies(run.run)]
    return fragment("disturbance_limits.html", rows=rows, others=others, rounds=rounds)


def _row(run: RunData, rule: DisturbanceRule) -> dict[str, object]:
    """A limit in the table; over and over_again: in how many rounds the limit, and that of a repeat, was exceeded."""
    cells, again = run.dataset.cells, rule.repeat_above(run.run)
    known = [(value, cell) for cell in cells if (value := rule.read(cell, run.run)) is not None]
    worst, where = max(known, key=lambda pair: pair[0]) if known else (None, None)
    missing = len(cells) - len(known)

    def over(limit: float) -> int:
        return len({cell.round for value, cell in known if value > limit})

    return {
        "name": rule.name,
        "limit": rule.say(rule.limit) + " (void)" * rule.voids,
        "over": over(rule.limit),
        "again": "never" if again is None else rule.say(again),
        "over_again": "" if again is None else over(again),
        "worst": rule.say(worst),
        "where": f"round {where.round}, {where.mode}" if where and worst else "",
        "unknown": f"{missing} of {plural(len(cells), 'measurement')}" if missing else "none",
    }
