"""The page that compares two runs."""

from pathlib import Path

from markupsafe import Markup

from profiles.store.files import write_file
from reports.analysis.paired_ratio import percent
from reports.analysis.text import number
from reports.analysis.unpaired_ratio import CAVEAT
from reports.charts.figure import figure, vega_bundle
from reports.comparison import text
from reports.comparison.chart import side_by_side
from reports.comparison.comparison import CONFIDENCE, Comparison
from reports.comparison.profiles import profiles
from reports.flames.perf_profile import ERRORS, WORTH_A_WORD
from reports.page import flames_bundle
from reports.templating import Rendered, fragment


def write_comparison(comparison: Comparison, reports: Path) -> Path:
    """Write the page of two runs, named after both; returns its path."""
    a, b = comparison.a.run, comparison.b.run
    chart = figure("side-by-side", side_by_side(comparison), "Bar: the interval within a run, whose rounds are paired.")
    numbers = fragment(
        "compare_numbers.html",
        comparison=comparison,
        costs=text.costs(comparison),
        ratios=text.ratios(comparison),
        chart=chart,
        caveat=CAVEAT,
        level=percent(CONFIDENCE),
    )
    sections = [
        Rendered("differences", "What differs", False, fragment("compare_differences.html", comparison=comparison)),
        Rendered("numbers", "What each mode costs", False, numbers),
    ]
    profiled = profiles(comparison)
    if profiled:
        both = [found.mode for found in profiled]
        body = fragment(
            "compare_profiles.html",
            comparison=comparison,
            profiles=profiled,
            unprofiled=[row.mode for row in comparison.rows if row.mode not in both],
            errors=number(ERRORS),
            worth=percent(WORTH_A_WORD),
        )
        sections.append(Rendered("profiles", "Where the CPU time went", False, body))
    flames = flames_bundle() if profiled else None
    lead = f"A is run {a.name} of {a.started_at}, B is run {b.name} of {b.started_at}."
    path = reports / "compare" / f"{a.name}--{b.name}.html".replace("/", "-")
    return write_page(
        path, f"{a.name} and {b.name}", lead, "Made from the records of the two runs alone.", sections, flames
    )


def write_page(
    path: Path, title: str, lead: str, origin: str, sections: list[Rendered], flames: Markup | None = None
) -> Path:
    """flames: the script that draws flame graphs, where a section has any."""
    about = {"title": title, "lead": lead, "origin": origin, "sections": sections}
    page = fragment("several_runs.html", **about, vega=vega_bundle(), flames=flames)
    return write_file(path, page.encode())
