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
    measured = run.measured
    rows = [
        (
            mode,
            median(measured.spread(mode, PRIMARY)),
            median(measured.spread(mode, "server_user_s", per_gib=True)),
            median(measured.spread(mode, "server_system_s", per_gib=True)),
            median(measured.spread(mode, "gib_per_s")),
            median(measured.switches(mode)),
            median(measured.spread(mode, "peak_rss_bytes"), "bytes"),
        )
        for mode in measured.modes
    ]
    baseline = None if run.interactive else run.run.baseline
    return fragment("summary.html", question=caption(run.run), rows=rows, void=run.void, baseline=baseline)
