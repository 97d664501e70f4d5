"""CPU and context switches of every process during the run."""

from markupsafe import Markup

from reports.analysis.text import number
from reports.charts import timeline
from reports.charts.figure import figure
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "Over time"
ORDER = 124
HINT = "CPU and context switches of every process during the run"


def render(run: RunData) -> Markup:
    cpu = _figure(run, "cpu", timeline.CPU_CHART, "Busy cores, user and system time together.")
    switches = _figure(run, "switches", timeline.SWITCHES_CHART, "Voluntary and involuntary switches per second.")
    return fragment("timeline.html", cpu=cpu, switches=switches, slices=run.run.slice_s is not None)


def _figure(run: RunData, name: str, kind: timeline.Kind, caption: str) -> Markup:
    return figure(name, timeline.chart(run.dataset, kind), f"{caption} {_resolution(run, kind)}")


def _resolution(run: RunData, kind: timeline.Kind) -> str:
    if run.run.slice_s is not None:
        return "Point: the slices of one mode in one round."
    every = timeline.thinning(run.dataset, kind)
    thinned = f" One sample in {every} is drawn; the rates are means over the longer intervals." if every > 1 else ""
    return f"Sampled every {number(run.run.sample_interval_s)} s.{thinned}"
