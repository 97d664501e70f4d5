"""What the processes did over the time of the run."""

from markupsafe import Markup

from reports.analysis.text import number
from reports.charts import timeline
from reports.charts.figure import figure
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "Over time"
ORDER = 124
HINT = "cores and context switches of every process while it ran"


def render(run: RunData) -> Markup:
    records = run.dataset
    of_cpu = _note(run, timeline.cpu_processes(records))
    of_switches = _note(run, timeline.switching_processes(records))
    return fragment(
        "timeline.html",
        cpu=figure("cpu", timeline.cpu(records), f"Cores busy, user and system time together. {of_cpu}"),
        switches=figure(
            "switches", timeline.switches(records), f"Voluntary and involuntary switches per second. {of_switches}"
        ),
    )


def _note(run: RunData, processes: tuple[str, ...]) -> str:
    """How densely it was sampled, and whether every sample is drawn."""
    every = timeline.thinning(run.dataset.samples, processes)
    thinned = f" One sample in {every} is drawn; the rates are means over the longer intervals." if every > 1 else ""
    return f"Sampled every {number(run.run.sample_interval_s)} s.{thinned}"
