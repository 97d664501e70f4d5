"""Valid, caution or void, with the reasons; and whether the most disturbed rounds change the result."""

from markupsafe import Markup

from reports.run_data import RunData
from reports.templating import fragment

TITLE = "Can the result be trusted?"
ORDER = 30
HALF_WIDTH = True
PER_WORKLOAD = True


def render(run: RunData) -> Markup:
    return fragment(
        "validity.html", validity=run.validity, sensitivity=run.sensitivity, limits=run.on_page("disturbance_limits")
    )
