"""The forest plot: every ratio with its interval and a dot per round; the reader can choose other comparisons."""

from markupsafe import Markup

from reports.charts.comparison import forest
from reports.charts.explorer import DECLARED, choices
from reports.charts.figure import HALF_WIDTH_PX, figure
from reports.run_data import RunData
from reports.templating import embedded_json, fragment

TITLE = "Ratios, round by round"
ORDER = 12
NEEDS_PAIRING = True
HALF_WIDTH = True
PER_WORKLOAD = True


def render(run: RunData) -> Markup:
    caption = (
        f"How to read it: a dot is one round, the diamond the estimate, the bar its interval. Left "
        f"of 1x is cheaper than {run.run.baseline}; differences inside the shaded band are too small to matter."
    )
    void = [verdict.mode for verdict in run.verdicts if verdict.kind == "void"]
    if void:
        caption += f" Not drawn, because void: {', '.join(void)}."
    chart = figure(run.on_page("forest"), forest(run.dataset, run.verdicts, run.delta), caption, HALF_WIDTH_PX)
    return _choosing(run, chart) if chart else chart


def _choosing(run: RunData, chart: Markup) -> Markup:
    """The chart with a form below it that chooses another comparison; the form needs the page's script."""
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
