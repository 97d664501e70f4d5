"""The forest plot: every ratio with its interval and every round's dot; another comparison can be chosen."""

from markupsafe import Markup

from reports.charts.comparison import forest
from reports.charts.explorer import DECLARED, choices
from reports.charts.figure import HALF_WIDTH_PX, figure
from reports.run_data import RunData
from reports.templating import embedded_json, fragment

TITLE = "Every round"
ORDER = 12
NEEDS_PAIRING = True
HALF_WIDTH = True
PER_WORKLOAD = True


def render(run: RunData) -> Markup:
    caption = (
        f"How to read it: a dot is one round, the diamond the estimate, the bar its interval. Left of 1x is cheaper "
        f"than {run.run.baseline}; the shaded band is too small a difference to matter."
    )
    void = [verdict.mode for verdict in run.verdicts if verdict.kind == "void"]
    if void:
        caption += f" Void, and so not drawn: {', '.join(void)}."
    chart = figure(run.on_page("forest"), forest(run.measured, run.verdicts, run.delta), caption, HALF_WIDTH_PX)
    return _choosing(run, chart) if chart else chart


def _choosing(run: RunData, chart: Markup) -> Markup:
    """The chart, and below it what else may be compared, where there is a script to follow the choice."""
    offered = choices(run)
    return fragment(
        "choose.html",
        figure=chart,
        baseline=run.run.baseline,
        modes=offered["modes"],
        metrics=offered["metrics"],
        declared=DECLARED.label,
        data=embedded_json(offered),
    )
