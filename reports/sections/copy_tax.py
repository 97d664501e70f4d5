"""Where the server's CPU time per GiB went, by groups of functions; and whether perf's samples add up to the score."""

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

TITLE = "Copy tax: where the CPU time went"
ORDER = 102
HINT = "copying, page faults, TCP, switching, …: CPU time per GiB"
TOLERANCE = 0.15  # between the sum of perf's samples and the score; a larger gap is reported

_NAMES = (*(group.name for group in GROUPS), REST, LIBRARIES)
_SUB_ROWS: dict[str, tuple[tuple[str, Callable[[PerfProfile], float]], ...]] = {
    COPYING: (("of which loopback's hidden copy (skb_copy_ubufs)", lambda perf: hidden_copy(perf.stacks)),),
    SWITCHING: (("of which skid", lambda perf: skid(perf.stacks)),),
}


Row = tuple[int | None, str, list[str]]  # a group's number in the chart (None: part of the one above), name, values


@dataclass(frozen=True, slots=True)
class Sum:
    """All samples of a mode compared with the score's CPU per GiB. agrees: None where the score has none."""

    mode: str
    seen: str
    scored: str
    ratio: str
    agrees: bool | None


def render(run: RunData) -> Markup:
    found = {mode: run.perf[mode] for mode in run.dataset.modes if mode in run.perf}
    if not found:
        return Markup("")
    taxes = {mode: tax(perf.stacks) for mode, perf in found.items()}
    caption = "One bar per mode. The numbers are those of the groups in the table."
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
        yield part_of(name), name, [_amount(of.get(name, 0.0)) for of in taxes.values()]
        for label, part in _SUB_ROWS.get(name, ()):
            amounts = [part(perf) for perf in found.values()]
            if any(amounts):
                yield None, label, [_amount(amount) for amount in amounts]


def _amount(ms: float) -> str:
    """Whole milliseconds, as precise as samples are; none at all is a dash."""
    return "–" if ms == 0 else "< 1" if ms < 1 else f"{ms:,.0f}"


def _sum(run: RunData, mode: str, perf: PerfProfile) -> Sum:
    scored = run.dataset.spread(mode, PRIMARY)
    seen = f"{number(round(perf.total_ms))} ± {number(round(perf.error_ms))}"
    if scored is None or scored.median <= 0:
        return Sum(mode, seen, UNKNOWN, UNKNOWN, None)
    ratio = perf.total_ms / 1e3 / scored.median
    return Sum(mode, seen, number(round(1e3 * scored.median)), times(ratio), abs(ratio - 1) <= TOLERANCE)
