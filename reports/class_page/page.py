"""The class page: one self-contained HTML file that loads nothing.

Its rule: first what the machines show together, then each of them, then what was not counted and why.
"""

from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup

from profiles.store.files import write_file
from reports.analysis.text import plural
from reports.analysis.verdict import SIGNS, VerdictKind
from reports.charts.figure import HALF_WIDTH_PX, figure, vega_bundle
from reports.charts.interval_strip import HEIGHT, WIDTH, LogScale, axis, strip
from reports.charts.theme import log_ticks
from reports.class_page import charts, text
from reports.class_page.pools import Pool
from reports.class_page.results import Results
from reports.templating import Rendered, fragment

CLASS_FILE = "class.html"
LEAST_TICK_PX = 22  # between the labels of two ticks


def write_class(results: Results, reports: Path) -> Path:
    """Write the page into the folder of reports; returns its path."""
    return write_file(reports / CLASS_FILE, page(results).encode())


def page(results: Results) -> str:
    pooled = {machine.name for pool in results.pools for machine in pool.machines}
    lead = f"{plural(len(results.handed_in.reports), 'report')} read, {len(pooled)} of them pooled"
    lead += f"; {plural(results.guessed.lines, 'line')} of guesses." if results.handed_in.guesses else "."
    return fragment(
        "class.html",
        title="What a class measured",
        lead=lead,
        sections=[section for section in _sections(results) if section.body],
        vega=vega_bundle(),
    )


def _sections(results: Results) -> Iterator[Rendered]:
    yield Rendered("together", "What the machines show together", False, _together(results.pools))
    for place, pool in enumerate(results.pools):
        title = f"Machine by machine: {pool.mode} against {pool.baseline}"
        name = f"machines-{place}"
        yield Rendered(name, title, False, _forest(pool), place > 0, plural(len(pool.machines), "machine"))
        if place == 0:
            yield Rendered("spread", "Between machines, and within one", False, _spread(pool))
            yield Rendered("goes-with", "Exploratory: what goes with the ratio", False, _goes_with(pool))
    yield Rendered("guesses", "What was guessed", False, _guesses(results))
    body = fragment("class_left_out.html", left_out=results.left_out, refused=results.refused)
    yield Rendered("left-out", "Not counted, and why", False, body)


def _together(pools: tuple[Pool, ...]) -> Markup:
    said = [(_kind(pool), text.headline(pool), pool.question) for pool in pools]
    return fragment("class_together.html", said=said, signs=SIGNS, cautions=text.cautions(pools[0]) if pools else ())


def _kind(pool: Pool) -> VerdictKind:
    _, low, high = pool.summary.ratio if pool.summary else (1.0, None, None)
    if low is None or high is None:
        return "none"
    return "less" if high < 1 else "more" if low > 1 else "inconclusive"


def _forest(pool: Pool) -> Markup:
    if not pool.machines:
        return Markup("")
    summary = pool.summary
    expected = (summary.ratio[0], *summary.prediction) if summary else ()
    on = axis([*expected, *(end for each in pool.machines for end in each.paired.estimate)])
    return fragment(
        "class_forest.html",
        pool=pool,
        rows=[(each, strip(on, *each.paired.estimate)) for each in pool.machines],
        all_of_them=strip(on, *summary.ratio, colour=charts.COLOUR) if summary else "",
        another=strip(on, *expected, colour="var(--soft)") if expected else "",
        expected=expected,
        scale=fragment("class_scale.html", width=WIDTH, height=HEIGHT, ticks=_ticks(on)),
    )


def _ticks(on: LogScale) -> list[tuple[float, str]]:
    """Where a label stands on the scale, and what it says; those too near to the one before are left out."""
    found: list[tuple[float, str]] = []
    for tick in log_ticks(on.low, on.high):
        if not found or on.x(tick) - found[-1][0] >= LEAST_TICK_PX:
            found.append((on.x(tick), f"{tick:g}x"))
    return found


def _spread(pool: Pool) -> Markup:
    if pool.summary is None:
        return Markup("")
    caption = "Above a dot is a machine; below it is a round, as a multiple of its own machine's ratio."
    chart = figure("spread", charts.spread(pool), caption)
    return fragment("class_spread.html", spreads=text.spreads(pool), chart=chart)


def _goes_with(pool: Pool) -> Markup:
    drawn = [
        figure(f"with-{attribute[0]}", charts.goes_with(pool, attribute), f"By {attribute[1]}.", HALF_WIDTH_PX)
        for attribute in charts.ATTRIBUTES
    ]
    same = [title for (_, title, _), chart in zip(charts.ATTRIBUTES, drawn, strict=True) if not chart]
    shown = [chart for chart in drawn if chart]
    return fragment("class_goes_with.html", charts=shown, same=same) if pool.machines else Markup("")


def _guesses(results: Results) -> Markup:
    found = results.guessed
    if not results.handed_in.guesses:
        return Markup("")
    drawn = [
        (each, figure(f"guessed-{place}", charts.guessed_ratios(each), "A dot is a guess, or a measurement."))
        for place, each in enumerate(found.ratios)
    ]
    return fragment("class_guesses.html", lines=found.lines, choices=found.choices, ratios=drawn)
