"""The page of a sweep: like a run's, one self-contained file that loads nothing (reports/page.py).

Its rule: first the sentences with their intervals, then the curves, then every point with its problems.
"""

from pathlib import Path

from markupsafe import Markup

from profiles.store.sweep_folder import SweepFolder
from reports.analysis.paired_ratio import FEWEST_ROUNDS, family_confidence, percent
from reports.analysis.text import median, number, plural
from reports.analysis.verdict import SIGNS
from reports.charts.figure import figure
from reports.comparison.page import write_page
from reports.explanations import layout, limit, machine_line, network_line
from reports.page import PAGE_FILE, SINKS
from reports.sweep import curves, published_table
from reports.sweep.sentences import THINGS, sentences
from reports.sweep.sweep_data import PointData, SweepData, load_sweep
from reports.templating import Rendered, fragment

READ_CURVE = "Dot: one round. Point: the estimate; a ring if the client was the limit. Bar and band: the interval."


def report(folder: SweepFolder, reports_folder: Path) -> tuple[SweepData, Path]:
    """Read the sweep, conclude, write the page. Raises UserError."""
    sweep = load_sweep(folder)
    return sweep, write(sweep, reports_folder / folder.path.resolve().name / PAGE_FILE)


def write(sweep: SweepData, path: Path) -> Path:
    found = [
        Rendered("verdict", "Result", False, _verdict(sweep)),
        Rendered("ratio", "Ratio", False, _ratio(sweep)),
        Rendered("cost", "Cost per GiB", False, figure("cost", curves.cost_curve(sweep), READ_CURVE)),
        Rendered("request", "Cost per request", False, _request(sweep)),
        Rendered("article", "The published table", False, _article(sweep)),
        Rendered("points", "Every point", False, _points(sweep)),
        Rendered("conditions", "Setup, and how to repeat it", False, _conditions(sweep)),
    ]
    facts = sweep.sweep
    what = f"{plural(sweep.rounds, 'round')} at {plural(len(sweep.places), 'point')}"
    each = f"{layout(sweep.places[0].run.run)}; {SINKS.get(facts.sink, facts.sink)}"
    begun = f"Sweep {facts.name}, {facts.sittings[0].started_at}"
    lead = f"{begun}: {what}, with fresh servers: {each}. The baseline is {sweep.modes[0]}."
    title = f"{', '.join(sweep.modes)} over the {THINGS[facts.axis]}"
    origin = f"Made only from the records of sweep {facts.name}."
    return write_page(path, title, lead, origin, [item for item in found if item.body])


def _verdict(sweep: SweepData) -> Markup:
    return fragment(
        "sweep_verdict.html",
        sentences=[(kind, sentence, "") for kind, sentence in sentences(sweep)],
        signs=SIGNS,
        delta=percent(sweep.delta),
        level=percent(family_confidence(len(sweep.others))),
        fewest=FEWEST_ROUNDS,
        crossing=sweep.sweep.axis != "buffer-offset",
        left_out=sweep.sweep.left_out,
        missing=[sweep.say(value) for value in _unmeasured(sweep)],
    )


def _unmeasured(sweep: SweepData) -> list[int]:
    """Coarse points without a complete round."""
    there = {place.value for place in sweep.places}
    return [value for value in sweep.sweep.points if value not in there]


def _ratio(sweep: SweepData) -> Markup:
    shaded = " Horizontal shading: a difference too small to matter"
    crossed = "; vertical shading: where a crossover lies." if sweep.sweep.axis != "buffer-offset" else "."
    return figure("ratio", curves.ratio_curve(sweep), READ_CURVE + shaded + crossed)


def _request(sweep: SweepData) -> Markup:
    chart = figure("request", curves.request_curve(sweep), READ_CURVE)
    return fragment("sweep_request.html", chart=chart) if chart else Markup("")


def _article(sweep: SweepData) -> Markup:
    mode = published_table.zero_copy_mode(sweep)
    rows = published_table.rows(sweep, mode) if mode else []
    if not rows:
        return Markup("")
    return fragment(
        "sweep_article.html",
        rows=rows,
        baseline=sweep.modes[0],
        mode=mode,
        source=published_table.SOURCE,
        points=published_table.POINTS,
        users=plural(sweep.sweep.users, "download"),
    )


def _points(sweep: SweepData) -> Markup:
    return fragment(
        "sweep_points.html",
        modes=sweep.modes,
        others=sweep.others,
        axis=THINGS[sweep.sweep.axis],
        rows=[_row(sweep, place) for place in sweep.places],
        empty=[sweep.say(value) for value in sweep.empty],
    )


def _row(sweep: SweepData, place: PointData) -> dict[str, object]:
    """A point in the table."""
    dataset = place.run.dataset
    return {
        "value": sweep.say(place.value),
        "rounds": len(dataset.rounds),
        "left_out": len(dataset.all_rounds) - len(dataset.rounds),
        "word": place.run.validity.word,
        "ratios": [place.ratio_text(mode) for mode in sweep.others],
        "costs": [number(place.cost(mode)) for mode in sweep.modes],
        "rates": [median(dataset.spread(mode, "gib_per_s")) for mode in sweep.modes],
        "limits": [limit(dataset, mode) for mode in sweep.modes],
        "findings": place.run.validity.findings,
    }


def _conditions(sweep: SweepData) -> Markup:
    last = sweep.places[-1].run
    return fragment(
        "sweep_conditions.html",
        machine=machine_line(last),
        network=network_line(last),
        sweep=sweep.sweep,
        targets=last.run.targets,
        software=last.run.software,
    )
