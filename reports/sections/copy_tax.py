"""Where the server's CPU time per GiB went, in groups, and whether perf's samples add up to what the score counted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from markupsafe import Markup

from reports.analysis.rounds import PRIMARY
from reports.analysis.text import UNKNOWN, number, times
from reports.charts.copy_tax import part_of, tax_chart
from reports.charts.figure import figure
from reports.flames.copy_tax import COPYING, GROUPS, LIBRARIES, REST, SWITCHING, hidden_copy, skid, tax
from reports.flames.perf_profile import PerfProfile
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "Copy tax: what the CPU time was spent on"
ORDER = 102
HINT = "copying, faulting, TCP, switching, …, per GiB"
TOLERANCE = 0.15  # between the sum of perf's samples and the score: more is said

_NAMES = (*(group.name for group in GROUPS), REST, LIBRARIES)
_SUB_ROWS: dict[str, tuple[tuple[str, Callable[[PerfProfile], float]], ...]] = {
    COPYING: (("of it, loopback's hidden copy (skb_copy_ubufs)", lambda perf: hidden_copy(perf.stacks)),),
    SWITCHING: (("of it, skid", lambda perf: skid(perf.stacks)),),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A group, or (sub) a part of the one above. number: of its part of the bar in the chart."""

    name: str
    values: tuple[str, ...]
    number: int | None = None
    sub: bool = False


@dataclass(frozen=True, slots=True)
class Sum:
    """All groups of a mode against the score's CPU per GiB. agrees: None where the score knows none."""

    mode: str
    seen: str
    scored: str
    ratio: str
    agrees: bool | None


def render(run: RunData) -> Markup:
    found = {mode: run.perf[mode] for mode in run.measured.modes if mode in run.perf}
    if not found:
        return Markup("")
    taxes = {mode: tax(perf.stacks) for mode, perf in found.items()}
    caption = "Bar: a mode. The number in a part is that of its group in the table."
    return fragment(
        "copy_tax.html",
        chart=figure("copy-tax", tax_chart(taxes), caption),
        modes=list(found),
        rows=list(_rows(found, taxes)),
        sums=[_sum(run, mode, perf) for mode, perf in found.items()],
        groups=GROUPS,
        tolerance=f"{100 * TOLERANCE:.0f} %",
        rate=" or ".join(sorted({str(perf.profile.rate_hz) for perf in found.values()})),
        void=run.void,
    )


def _rows(found: dict[str, PerfProfile], taxes: dict[str, dict[str, float]]) -> Iterator[Row]:
    names = sorted((name for name in _NAMES if any(name in of for of in taxes.values())), key=part_of)
    for name in names:
        values = tuple(_amount(of.get(name, 0.0)) for of in taxes.values())
        yield Row(name, values, part_of(name))
        for label, part in _SUB_ROWS.get(name, ()):
            amounts = [part(perf) for perf in found.values()]
            if any(amounts):
                yield Row(label, tuple(_amount(amount) for amount in amounts), sub=True)


def _amount(ms: float) -> str:
    """Whole milliseconds: samples do not tell more. Nothing is another thing than a little."""
    return "–" if ms == 0 else "< 1" if ms < 1 else f"{ms:,.0f}"


def _sum(run: RunData, mode: str, perf: PerfProfile) -> Sum:
    scored = run.measured.spread(mode, PRIMARY)
    seen = f"{number(round(perf.total_ms))} ± {number(round(perf.error_ms))}"
    if scored is None or scored.median <= 0:
        return Sum(mode, seen, UNKNOWN, UNKNOWN, None)
    ratio = perf.total_ms / 1e3 / scored.median
    return Sum(mode, seen, number(round(1e3 * scored.median)), times(ratio), abs(ratio - 1) <= TOLERANCE)
