"""The most important numbers, one line per mode, also readable on a phone."""

from markupsafe import Markup

from reports.analysis.rounds import PRIMARY
from reports.analysis.text import median
from reports.analysis.workload import caption
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "Key numbers"
ORDER = 15
HALF_WIDTH = True
PER_WORKLOAD = True


def render(run: RunData) -> Markup:
    dataset = run.dataset
    rows = [
        (
            mode,
            median(dataset.spread(mode, PRIMARY)),
            median(dataset.spread(mode, "server_user_s", per_gib=True)),
            median(dataset.spread(mode, "server_system_s", per_gib=True)),
            median(dataset.spread(mode, "gib_per_s")),
            median(dataset.switches(mode)),
            median(dataset.spread(mode, "peak_rss_bytes"), "bytes"),
        )
        for mode in dataset.modes
    ]
    baseline = None if run.interactive else run.run.baseline
    return fragment("summary.html", question=caption(run.run), rows=rows, void=run.void, baseline=baseline)
