"""The page itself: a still template, filled with what does not change while it is open.

Its rule: what changes comes with the polls; names are escaped, and data is embedded as JSON that no name can end.
"""

from pathlib import Path

import jinja2

import knobs
from load.campaign.options import COURSE_MODES
from load.web.point_history import COARSE_POINTS, FINE_POINTS
from load.web.rates import COLUMNS, COST_WINDOW_S, MACHINE_COLUMNS
from profiles.targets import catalog
from reports.analysis.bottleneck import FULL_SHARE

TEMPLATES = Path(__file__).parent / "templates"
ALSO_FOR_LOADS = ("USERS", "PACE", "SINK", "SIZE")  # the others are a campaign's alone
SUGGESTIONS = {
    "PACE": ("saturated", "100MiB/s", "500MiB/s"),
    "SIZE": ("64KiB", "1MiB", "32MiB", "256MiB", "1GiB"),
}


ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(prefix: str, locust: str) -> str:
    """prefix: of our routes; locust: where Locust's own UI is."""
    modes = [
        {"name": target.name, "summary": target.facts.summary, "copies": target.facts.cpu_copies}
        for target in catalog.discover().values()
    ]
    facts = {
        "prefix": prefix,
        "modes": modes,
        "course": COURSE_MODES,
        "columns": COLUMNS,
        "machine_columns": MACHINE_COLUMNS,
        "fine_points": FINE_POINTS,
        "coarse_points": COARSE_POINTS,
        "cost_window_s": COST_WINDOW_S,
        "full_share": FULL_SHARE,
    }
    return ENVIRONMENT.get_template("bench.html").render(
        prefix=prefix,
        locust=locust,
        facts=facts,
        form=[knob for knob in knobs.of("load") if knob.label],
        also_for_loads=ALSO_FOR_LOADS,
        suggestions=SUGGESTIONS,
        cost_window_s=round(COST_WINDOW_S),
    )
