"""How long downloads took, from the merged histograms of each mode."""

from markupsafe import Markup

from reports.analysis.latency import ENOUGH, latencies
from reports.analysis.workload import rate_of
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "Download latency"
ORDER = 140
HINT = "minimum to maximum; percentiles where there are enough downloads"
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
