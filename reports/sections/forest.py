"""The forest plot: every ratio with its interval and every round's dot."""

from markupsafe import Markup

from reports.charts import forest
from reports.data import RunData
from reports.figure import figure

TITLE = "Every round"
ORDER = 12
HALF = True
EACH_QUESTION = True


def render(run: RunData) -> Markup:
    caption = (
        f"How to read it: a dot is one round, the diamond the estimate, the bar its interval. Left of 1x is cheaper "
        f"than {run.run.baseline}; the shaded band is too small a difference to matter."
    )
    void = [verdict.mode for verdict in run.verdicts if verdict.kind == "void"]
    if void:
        caption += f" Void, and so not drawn: {', '.join(void)}."
    return figure(run.on_page("forest"), forest(run.measured, run.verdicts, run.delta), caption)
