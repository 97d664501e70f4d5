"""Differential flame graphs of any two modes, in both directions, and the functions that differ."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from reports.analysis.paired_ratio import percent
from reports.analysis.text import number
from reports.flames.perf_profile import ERRORS, WORTH_A_WORD, PerfProfile, differing, signed
from reports.flames.still import Still, still
from reports.flames.tree import Tree, difference, pruned, trimmed
from reports.run_data import RunData
from reports.templating import fragment, packed_json

TITLE = "Differences between two modes"
ORDER = 103
HINT = "flame graphs of what one mode spends more and less on than another"
MOST_FUNCTIONS = 6
LEAST_SHARES = (0.003, 0.01, 0.03)  # the narrowest frame drawn: the first with which all pairs fit on the page
BUDGET_BYTES = 400_000
MOST_STILL = 4  # modes that are drawn on paper, each beside the first
LEAST_STILL = 0.01


def render(run: RunData) -> Markup:
    found = {mode: run.perf[mode] for mode in run.dataset.modes if mode in run.perf}
    if len(found) < 2:
        return Markup("")
    first = next(iter(found))
    rows = [(mode, _told(perf, found[first])) for mode, perf in found.items() if mode != first]
    share, drawn = _that_fits(found)
    others = [mode for mode in found if mode != first]
    return fragment(
        "differences.html",
        modes=list(found),
        against=first,
        rows=rows,
        pairs=drawn,
        stills=[_stills(found, mode, first) for mode in others[:MOST_STILL]],
        undrawn=others[MOST_STILL:],
        least=percent(share),
        errors=number(ERRORS),
        worth=percent(WORTH_A_WORD),
    )


def _that_fits(found: Mapping[str, PerfProfile]) -> tuple[float, str]:
    """The share below which frames are not drawn, and all pairs, packed."""
    every = pairs(found, LEAST_SHARES[0])
    for share in LEAST_SHARES:
        kept = {mode: {other: pruned(tree, share) for other, tree in row.items()} for mode, row in every.items()}
        drawn = packed_json(kept)
        if len(drawn) <= BUDGET_BYTES:
            break
    return share, drawn


def pairs(found: Mapping[str, PerfProfile], least_share: float) -> dict[str, dict[str, Tree]]:
    """By mode and other mode: the tree of the first, each frame with what it costs more."""
    stacks = {mode: trimmed(perf.stacks, least_share / 3) for mode, perf in found.items()}
    return {
        mode: {other: difference(ours, theirs, mode, least_share) for other, theirs in stacks.items() if other != mode}
        for mode, ours in stacks.items()
    }


def _stills(found: Mapping[str, PerfProfile], mode: str, other: str) -> list[Still]:
    """What the two modes spend more and less on, for paper: each in the scale of the dearer."""
    drawn = pairs({name: found[name] for name in (mode, other)}, LEAST_STILL)
    dearest = max(found[mode].total_ms, found[other].total_ms)
    return [
        still(f"{one}, compared with {against}", drawn[one][against], found[one].total_ms / dearest, LEAST_STILL)
        for one, against in ((mode, other), (other, mode))
    ]


def _told(ours: PerfProfile, theirs: PerfProfile) -> tuple[str, str]:
    """The functions that cost less, and those that cost more, in ms/GiB."""
    functions = differing(ours, theirs)
    return _list([item for item in functions if item[1] < 0]), _list([item for item in functions if item[1] > 0])


def _list(functions: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{signed(delta_ms)} {name}" for name, delta_ms in functions[:MOST_FUNCTIONS]) or "nothing clear"
