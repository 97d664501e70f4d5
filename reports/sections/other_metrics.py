"""Every metric that no other section shows: a new metric needs no code here."""

from markupsafe import Markup

from profiles.store.run_facts import MetricFacts
from reports.run_data import RunData
from reports.sections.absolutes import SHOWN, spread_cells
from reports.templating import fragment

TITLE = "Other metrics"
ORDER = 160
HINT = "everything recorded that is not shown above"


def render(run: RunData) -> Markup:
    recorded = dict.fromkeys(name for cell in run.dataset.cells for name in cell.metrics)
    described = {facts.name: facts for facts in run.run.metrics}
    without = [
        MetricFacts(name, "unit not on record", "gauge", "not described by the run")
        for name in recorded
        if name not in described
    ]
    rows = [
        ("", facts.name, facts.unit + per_gib * " per GiB", facts.summary, _cells(run, facts, per_gib))
        for facts in [*described.values(), *without]
        if facts.name in recorded and facts.name not in SHOWN
        for per_gib in ((False, True) if facts.per_gib else (False,))
    ]
    return fragment("other_metrics.html", modes=run.dataset.modes, rows=rows) if rows else Markup("")


def _cells(run: RunData, facts: MetricFacts, per_gib: bool) -> list[tuple[str, str]]:
    spreads = (run.dataset.spread(mode, facts.name, per_gib=per_gib) for mode in run.dataset.modes)
    return spread_cells(spreads, "bytes" if facts.unit in ("bytes", "B") else "")
