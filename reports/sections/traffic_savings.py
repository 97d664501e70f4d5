"""What a mode saves at a given traffic, in cores and core-hours per day."""

from markupsafe import Markup

from reports.analysis.paired_ratio import percent
from reports.analysis.savings import Saving, core_hours, cores, saving, traffic
from reports.analysis.text import number
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "Savings at a given traffic"
ORDER = 126
NEEDS_PAIRING = True
HINT = "cores and core-hours saved per day"
PER_WORKLOAD = True


def render(run: RunData) -> Markup:
    found = [saving(run.dataset, mode) for mode in run.dataset.others if mode not in run.void]
    known = [each for each in found if each is not None]
    if not known:
        return Markup("")
    gib_per_day = traffic(run.run.gib_per_day)
    factors = (1.0, cores(1.0, gib_per_day), core_hours(1.0, gib_per_day))
    rows = [(each.mode, [_with_interval(each, factor) for factor in factors]) for each in known]
    return fragment(
        "traffic_savings.html",
        rows=rows,
        gib_per_day=number(gib_per_day),
        example=run.run.gib_per_day is None,
        baseline=run.run.baseline,
        level=percent(known[0].confidence),
    )


def _with_interval(found: Saving, factor: float) -> tuple[str, str]:
    middle = number(factor * found.s_per_gib)
    if found.low is None or found.high is None:
        return middle, "too few rounds for an interval"
    return middle, f"{number(factor * found.low)} to {number(factor * found.high)}"
