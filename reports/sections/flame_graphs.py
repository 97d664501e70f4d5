"""A flame graph per mode, from the line of Python to the copy in the kernel, with its stacks to download.

The page's script draws perf's stacks. Without perf there is py-spy's SVG, which has a script of its own: it runs in a
sandboxed frame of another origin, so that it cannot touch the page.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from profiles.store.records import Profile, PythonFrames
from reports.analysis.text import number, plural
from reports.export.attachments import Budget, Download
from reports.flames.copy_tax import PYTHON, group_of_stack
from reports.flames.perf_profile import PerfProfile, read_folded
from reports.flames.speedscope import speedscope
from reports.flames.still import Still, still
from reports.flames.tree import Tree, own_name, tree
from reports.mode_names import file_name
from reports.run_data import RunData
from reports.templating import fragment, packed_json

TITLE = "Flame graphs"
ORDER = 120
HINT = "from the line of Python to the copy in the kernel"

BUDGET_BYTES = 900_000  # of a page that stays below 3 MB
MOST_FRAMES = 12
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
    refusals = dict.fromkeys(profile.reason for profile in run.deep_profiles if profile.reason)
    return fragment(
        "flame_graphs.html",
        flames=[_flame(run, mode, trees.get(mode), budget) for mode in profiled],
        missing=[mode for mode in run.dataset.modes if mode not in profiled],
        trees=packed_json(trees) if trees else None,
        refusals=list(refusals),
        interactive=run.interactive,
        origins=[_ORIGINS[kind] for kind in dict.fromkeys(perf.profile.python for perf in run.perf.values())],
    )


def _flame(run: RunData, mode: str, drawn: Tree | None, budget: Budget) -> Flame:
    perf, profile = run.perf.get(mode), run.profile(mode)
    notes = []
    if profile and profile.reason:
        notes.append(f"No {'flame graph' if perf is None else 'py-spy flame graph'}: {profile.reason}")
    document, height_px = None, 0
    downloads = []
    for name, what in _files(perf, profile):
        content = _content(run, mode, name, perf)
        if not content:
            notes.append(f"{name} is not in the run's folder, or is empty.")
            continue
        if perf is None and profile is not None and name == profile.svg and budget.take(len(content)):
            svg = content.decode(errors="replace")
            document, height_px = _document(svg), _height_px(svg)
        if download := budget.download(file_name(mode, _ending(name)), what, content):
            downloads.append(download)
        else:
            instead = "open the folded stacks" if name == _SPEEDSCOPE else "it is in the run's folder"
            notes.append(f"{name} is too large for this page; {instead}.")
    if perf is None:
        stands = _of_python(run, mode, profile)
        headline = "py-spy: Python frames only"
        return Flame(mode, headline, False, (), document, height_px, stands, tuple(downloads), tuple(notes))
    headline = f"perf profile: {number(round(perf.total_ms))} CPU ms/GiB, {plural(perf.samples, 'sample')}"
    assert drawn is not None
    stands = still(f"{mode}: {headline}", drawn)
    return Flame(mode, headline, True, tuple(_top(perf)), None, 0, stands, tuple(downloads), tuple(notes))


def _of_python(run: RunData, mode: str, profile: Profile | None) -> Still | None:
    """py-spy's samples as a picture for paper, where its own does not run."""
    folded = profile.raw if profile else None
    raw = run.attachments.get(folded) if folded else None
    if folded is None or not raw:
        return None
    counts = read_folded(folded, raw.decode(errors="replace"))
    stacks = {tuple(f"{frame}{PYTHON}" for frame in stack): float(count) for stack, count in counts.items()}
    return still(f"{mode}: {plural(sum(counts.values()), 'sample')} of py-spy", tree(stacks, mode)) if stacks else None


_SPEEDSCOPE = ".speedscope.json"


def _files(perf: PerfProfile | None, profile: Profile | None) -> Iterator[tuple[str, str]]:
    """The files of a mode that can be saved: name and description."""
    if perf is not None and perf.profile.folded:
        yield _SPEEDSCOPE, "perf's stacks for speedscope (speedscope.app)"
        yield perf.profile.folded, "perf's folded stacks with sample counts"
    if profile is not None and profile.svg:
        yield profile.svg, "py-spy's flame graph"
    if profile is not None and profile.raw:
        if perf is None:
            yield _SPEEDSCOPE, "py-spy's stacks for speedscope"
        yield profile.raw, "py-spy's folded stacks with sample counts"


def _content(run: RunData, mode: str, name: str, perf: PerfProfile | None) -> bytes | None:
    if name != _SPEEDSCOPE:
        return run.attachments.get(name)
    if perf is not None:
        return speedscope(f"{mode}, CPU ms per GiB", perf.stacks, "milliseconds")
    profile = run.profile(mode)
    folded = profile.raw if profile else None
    raw = run.attachments.get(folded) if folded else None
    if folded is None or raw is None:
        return None
    return speedscope(f"{mode}, samples", read_folded(folded, raw.decode(errors="replace")), "none")


def _ending(name: str) -> str:
    return name if name == _SPEEDSCOPE else "." + name.rpartition(".")[2]


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
