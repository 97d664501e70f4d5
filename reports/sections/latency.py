"""How long downloads took, from all histograms of a mode together."""

from markupsafe import Markup

from reports.analysis.latency import ENOUGH, latencies
from reports.analysis.workload import rate_of
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "Latency of a download"
ORDER = 140
HINT = "from lowest to highest, where there are enough downloads"
PER_WORKLOAD = True


def render(run: RunData) -> Markup:
    rows = [(mode, latencies(run.dataset, mode)) for mode in run.dataset.modes]
    return fragment(
        "latency.html",
        rows=rows,
        enough=ENOUGH,
        paced=run.run.question == "paced",
        rate=rate_of(run.run),
        users=run.run.users,
    )
