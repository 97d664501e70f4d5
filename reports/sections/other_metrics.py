"""Every metric of the run that no other section knows: a new metric needs no line of code here."""

from markupsafe import Markup

from profiles.store.run_facts import MetricFacts
from reports.analysis.text import extent, median
from reports.run_data import RunData
from reports.sections.absolutes import SHOWN
from reports.templating import fragment

TITLE = "Everything else that was counted"
ORDER = 160
HINT = "every metric that has no place above"


def render(run: RunData) -> Markup:
    recorded = dict.fromkeys(name for cell in run.dataset.cells for name in cell.metrics)
    described = {facts.name: facts for facts in run.run.metrics}
    without = [
        MetricFacts(name, "unit not on record", "gauge", "not described by the run")
        for name in recorded
        if name not in described
    ]
    rows = [
        (facts, per_gib, [_cell(run, mode, facts, per_gib) for mode in run.dataset.modes])
        for facts in [*described.values(), *without]
        if facts.name in recorded and facts.name not in SHOWN
        for per_gib in ((False, True) if facts.per_gib else (False,))
    ]
    return fragment("other_metrics.html", modes=run.dataset.modes, rows=rows) if rows else Markup("")


def _cell(run: RunData, mode: str, facts: MetricFacts, per_gib: bool) -> tuple[str, str]:
    spread = run.dataset.spread(mode, facts.name, per_gib=per_gib)
    unit = "bytes" if facts.unit in ("bytes", "B") else ""
    return median(spread, unit), extent(spread, unit)
