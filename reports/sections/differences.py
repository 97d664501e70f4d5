"""What vanished and what appeared between two modes: a differential flame graph for any pair, in both directions."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from reports.analysis.paired_ratio import percent
from reports.analysis.text import number
from reports.flames.perf_profile import ERRORS, WORTH_A_WORD, PerfProfile, differing, signed
from reports.flames.tree import Tree, difference, pruned, trimmed
from reports.run_data import RunData
from reports.templating import fragment, packed_json

TITLE = "What vanished, what appeared"
ORDER = 103
HINT = "two modes against each other, function by function"
MOST_FUNCTIONS = 6
LEAST_SHARES = (0.003, 0.01, 0.03)  # of the whole, what is drawn: the first with which all pairs have room on the page
BUDGET_BYTES = 400_000


def render(run: RunData) -> Markup:
    found = {mode: run.perf[mode] for mode in run.measured.modes if mode in run.perf}
    if len(found) < 2:
        return Markup("")
    first = next(iter(found))
    rows = [(mode, _told(perf, found[first])) for mode, perf in found.items() if mode != first]
    share, drawn = _that_fits(found)
    return fragment(
        "differences.html",
        modes=list(found),
        against=first,
        rows=rows,
        pairs=drawn,
        least=percent(share),
        errors=number(ERRORS),
        worth=percent(WORTH_A_WORD),
    )


def _that_fits(found: Mapping[str, PerfProfile]) -> tuple[float, str]:
    """All pairs, packed, and down to which share of the whole they are drawn."""
    every = pairs(found, LEAST_SHARES[0])
    for share in LEAST_SHARES:
        kept = {mode: {other: pruned(tree, share) for other, tree in row.items()} for mode, row in every.items()}
        drawn = packed_json(kept)
        if len(drawn) <= BUDGET_BYTES:
            break
    return share, drawn


def pairs(found: Mapping[str, PerfProfile], least_share: float) -> dict[str, dict[str, Tree]]:
    """Of each mode against each other one: its own tree, with what it costs more."""
    stacks = {mode: trimmed(perf.stacks, least_share / 3) for mode, perf in found.items()}
    return {
        mode: {other: difference(ours, theirs, mode, least_share) for other, theirs in stacks.items() if other != mode}
        for mode, ours in stacks.items()
    }


def _told(ours: PerfProfile, theirs: PerfProfile) -> tuple[str, str]:
    """Less here, and more here, in ms/GiB."""
    functions = differing(ours, theirs)
    return _list([item for item in functions if item[1] < 0]), _list([item for item in functions if item[1] > 0])


def _list(functions: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{signed(delta_ms)} {name}" for name, delta_ms in functions[:MOST_FUNCTIONS]) or "nothing clear"
