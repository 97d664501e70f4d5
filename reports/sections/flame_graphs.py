"""A flame graph per mode, from the line of Python to the copy in the kernel, with its stacks to download.

The page's script draws perf's stacks. Without perf there is py-spy's SVG, which has a script of its own: it runs in a
sandboxed frame of another origin, so that it cannot touch the page.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from profiles.store.records import PythonFrames
from reports.analysis.text import number, plural
from reports.export.attachments import Budget, Download
from reports.flames.copy_tax import group_of_stack
from reports.flames.formats.sampled_stacks import PY_SPY, SampledStacks, sampled_stacks
from reports.flames.formats.table import FORMATS
from reports.flames.perf_profile import PerfProfile
from reports.flames.still import LEAST_SHARE, Still, still
from reports.flames.tree import Tree, own_name, tree
from reports.mode_names import file_name
from reports.run_data import RunData
from reports.templating import fragment, packed_json

TITLE = "Flame graphs"
ORDER = 120
HINT = "from the line of Python to the copy in the kernel"

BUDGET_BYTES = 900_000  # of a page that stays below 3 MB
MOST_FRAMES = 12
MANY_STILL = 8  # pictures for paper; where there are more of them, each shows wider frames only
_ORIGINS: dict[PythonFrames | None, str] = {
    "trampoline": "Python functions come from the interpreter's perf trampoline; their lines and callers come from "
    "py-spy's samples of the same load.",
    "joined": "perf sees no Python frames before Python 3.12: the Python lines above a C function are added from "
    "py-spy's samples of the same load.",
    None: "A graph without Python lines belongs to a server that runs no Python, or py-spy had no samples of it.",
}


@dataclass(frozen=True, slots=True)
class Flame:
    """One mode's. drawn: by the page's script, from perf's stacks; otherwise document is py-spy's frame. top: the
    functions with the most self time: name, group, ms/GiB, share. still: for paper."""

    mode: str
    headline: str
    drawn: bool
    top: tuple[tuple[str, str, str, str], ...]
    document: str | None
    height_px: int
    still: Still | None
    downloads: tuple[Download, ...]
    notes: tuple[str, ...]


def render(run: RunData) -> Markup:
    profiled = [mode for mode in run.dataset.modes if run.profile(mode) or mode in run.perf]
    budget = Budget(BUDGET_BYTES)
    trees = {mode: tree(run.perf[mode].stacks, mode) for mode in profiled if mode in run.perf}
    least_share = LEAST_SHARE * max(1.0, len(profiled) / MANY_STILL)
    refusals = dict.fromkeys(profile.reason for profile in run.deep_profiles if profile.reason)
    return fragment(
        "flame_graphs.html",
        flames=[_flame(run, mode, trees.get(mode), least_share, budget) for mode in profiled],
        missing=[mode for mode in run.dataset.modes if mode not in profiled],
        trees=packed_json(trees) if trees else None,
        refusals=list(refusals),
        interactive=run.interactive,
        origins=[_ORIGINS[kind] for kind in dict.fromkeys(perf.profile.python for perf in run.perf.values())],
    )


def _flame(run: RunData, mode: str, drawn: Tree | None, least_share: float, budget: Budget) -> Flame:
    perf, profile = run.perf.get(mode), run.profile(mode)
    notes = []
    if profile and profile.reason:
        notes.append(f"No {'flame graph' if perf is None else 'py-spy flame graph'}: {profile.reason}")
    document, height_px = None, 0
    svg = run.attachments.get(profile.svg) if profile and profile.svg else None
    if perf is None and svg and budget.take(len(svg)):
        picture = svg.decode(errors="replace")
        document, height_px = _document(picture), _height_px(picture)
    sampled = sampled_stacks(run, mode)
    downloads, unsaved = _downloads(run, mode, sampled, budget)
    if perf is None:
        stands = _of_python(sampled) if sampled else None
        headline = "py-spy: Python frames only"
        return Flame(mode, headline, False, (), document, height_px, stands, downloads, (*notes, *unsaved))
    headline = f"perf profile: {number(round(perf.total_ms))} CPU ms/GiB, {plural(perf.samples, 'sample')}"
    assert drawn is not None
    stands = still(f"{mode}: {headline}", drawn, least_share=least_share)
    return Flame(mode, headline, True, tuple(_top(perf)), None, 0, stands, downloads, (*notes, *unsaved))


def _of_python(sampled: SampledStacks) -> Still:
    """py-spy's samples as a picture for paper, where its own does not run."""
    caption = f"{sampled.mode}: {plural(sampled.samples, 'sample')} of py-spy"
    return still(caption, tree(sampled.weights, sampled.mode))


def _downloads(
    run: RunData, mode: str, sampled: SampledStacks | None, budget: Budget
) -> tuple[tuple[Download, ...], tuple[str, ...]]:
    """What can be saved, and why the rest cannot."""
    found, notes = [], []
    for name, ending, what, content in _files(run, mode, sampled):
        if not content:
            notes.append(f"{name} is not in the run's folder, or is empty.")
        elif download := budget.download(file_name(mode, ending), what, content):
            found.append(download)
        else:
            notes.append(f"{name} is too large for this page; it is in the run's folder, or `make export` writes it.")
    return tuple(found), tuple(notes)


def _files(run: RunData, mode: str, sampled: SampledStacks | None) -> Iterator[tuple[str, str, str, bytes | None]]:
    """The files of a mode: name, ending, description, and content where there is one."""
    profile = run.profile(mode)
    if sampled:
        for each in FORMATS:
            what = f"{sampled.profiler}'s stacks {each.what_for}"
            yield f"{mode}{each.ending}", each.ending, what, each.write(sampled)
    if profile and profile.svg:
        yield profile.svg, ".svg", "py-spy's flame graph", run.attachments.get(profile.svg)
    if profile and profile.raw and (sampled is None or sampled.profiler != PY_SPY):
        yield profile.raw, ".raw", "py-spy's folded stacks with sample counts", run.attachments.get(profile.raw)


def _top(perf: PerfProfile) -> Iterator[tuple[str, str, str, str]]:
    """A name in two groups (the same helper in the kernel and in user space) has a row in each."""
    costs: dict[tuple[str, str], float] = {}
    for stack, value in perf.stacks.items():
        key = (own_name(stack), group_of_stack(stack))
        costs[key] = costs.get(key, 0.0) + value
    for (name, group), value in sorted(costs.items(), key=lambda item: (-item[1], item[0]))[:MOST_FRAMES]:
        yield name, group, number(float(f"{value:.3g}")), f"{100 * value / perf.total_ms:.0f} %"


def _document(svg: str) -> str:
    """A document around py-spy's SVG, without its XML head."""
    picture = svg[max(0, svg.find("<svg")) :]
    return str(fragment("flame_frame.html", svg=Markup(picture)))  # str: the page must escape it


def _height_px(svg: str) -> int:
    """The height that the SVG states, plus the search field; within reason."""
    stated = re.search(r'<svg[^>]*\sheight="(\d+)"', svg)
    return min(900, max(160, int(stated[1]) + 48)) if stated else 480
