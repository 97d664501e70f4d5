"""The page that compares two runs."""

from pathlib import Path

from profiles.store.files import write_file
from reports.analysis.paired_ratio import percent
from reports.analysis.unpaired_ratio import CAVEAT
from reports.charts.figure import figure, vega_bundle
from reports.comparison import text
from reports.comparison.chart import side_by_side
from reports.comparison.comparison import CONFIDENCE, Comparison
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
    lead = f"A is run {a.name} of {a.started_at}, B is run {b.name} of {b.started_at}."
    path = reports / "compare" / f"{a.name}--{b.name}.html".replace("/", "-")
    return write_page(path, f"{a.name} and {b.name}", lead, "Made from the records of the two runs alone.", sections)


def write_page(path: Path, title: str, lead: str, origin: str, sections: list[Rendered]) -> Path:
    page = fragment("several_runs.html", title=title, lead=lead, origin=origin, sections=sections, vega=vega_bundle())
    return write_file(path, page.encode())
