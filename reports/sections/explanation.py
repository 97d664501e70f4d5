"""Why the modes differ: one line per mode."""

from markupsafe import Markup

from reports.explanations import why
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "Why they differ"
ORDER = 50
NEEDS_PAIRING = True
HALF_WIDTH = True


def render(run: RunData) -> Markup:
    lines = [(mode, why(run, mode)) for mode in run.dataset.others]
    return fragment("explanation.html", lines=lines, target=run.target(run.run.baseline))
