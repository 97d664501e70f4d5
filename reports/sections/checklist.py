"""Brendan Gregg's questions to any benchmark, answered from the records where they can be (docs/method.md §7)."""

from markupsafe import Markup

from reports.analysis.copies import statement
from reports.analysis.rounds import PRIMARY
from reports.analysis.savings import Saving, cores, saving, traffic
from reports.analysis.text import UNKNOWN, number, plural, quantity
from reports.explanations import held_to, limit
from reports.run_data import RunData
from reports.templating import fragment
from units import GIB

TITLE = "Benchmark checklist"
ORDER = 128
NEEDS_PAIRING = True
HINT = "six questions to ask about any benchmark"

UNANSWERED = "not answered by this run"


def render(run: RunData) -> Markup:
    rows = [
        (
            "Why not double? What was the limit?",
            [f"{mode}: {limit(run.dataset, mode)}" for mode in run.dataset.modes],
        ),
        ("Did it break limits?", [_limits(run)]),
        ("Did it error?", [_errors(run)]),
        (
            "Does it reproduce?",
            [*_reproduces(run), f"From one run to the next: {UNANSWERED}; repeat the run and compare."],
        ),
        (f"Does it matter, at {number(traffic(run.run.gib_per_day))} GiB a day?", _matters(run) or [UNANSWERED]),
        ("Did it even happen?", _happened(run)),
    ]
    return fragment("checklist.html", rows=rows)


def _limits(run: RunData) -> str:
    if run.run.host.get("interface") in ("loopback", "lo"):
        return f"Loopback has no line rate to exceed; memory bandwidth: {UNANSWERED}."
    rates = [known.median for mode in run.dataset.modes if (known := run.dataset.spread(mode, "gib_per_s"))]
    most = f"{number(max(rates) * GIB * 8 / 1e6)} Mbit/s of payload" if rates else "an unknown throughput"
    reached = f"the fastest mode reached {most}"
    if limit := held_to(run.run):
        return f"The link was limited to {limit}; {reached}."
    if str(run.run.host.get("interface")).startswith("veth"):
        return f"A veth pair has no line rate to exceed; {reached}."
    speed = run.run.host.get("link_speed")
    return f"The link speed is {speed or UNKNOWN}; {reached}."


def _errors(run: RunData) -> str:
    cells = run.dataset.cells
    failures, downloads = sum(cell.failures for cell in cells), sum(cell.downloads for cell in cells)
    return f"{plural(failures, 'request')} failed, {plural(downloads, 'download')} completed."


def _reproduces(run: RunData) -> list[str]:
    lines = []
    for verdict in run.verdicts:
        if verdict.paired is not None and verdict.mode not in run.void:
            low, high = min(verdict.paired.ratios), max(verdict.paired.ratios)
            rounds = plural(verdict.paired.rounds, "round")
            lines.append(f"{verdict.mode}: {number(low)}x to {number(high)}x in {rounds} of fresh servers.")
    return lines


def _matters(run: RunData) -> list[str]:
    lines = []
    for mode in run.dataset.others:
        found = saving(run.dataset, mode)
        if found is not None and mode not in run.void:
            saved = cores(found.s_per_gib, traffic(run.run.gib_per_day))
            compared = f"{number(abs(saved))} {'fewer' if saved >= 0 else 'more'} cores all day than {run.run.baseline}"
            lines.append(f"{mode} needs {compared}{_doubt(found)}.")
    return lines


def _doubt(found: Saving) -> str:
    """The reservation that a difference needs, if any."""
    if found.low is None or found.high is None:
        return " (too few rounds for an interval)"
    return " (may be chance: the interval contains 0)" if found.low <= 0 <= found.high else ""


def _happened(run: RunData) -> list[str]:
    lines = []
    for mode in run.dataset.modes:
        cells = run.dataset.cells_of(mode)
        received = quantity(sum(cell.received_bytes for cell in cells), "bytes")
        known = run.dataset.spread(mode, PRIMARY)
        used = "unknown CPU time" if known is None else f"{number(known.median)} CPU s/GiB"
        lines.append(f"{mode}: the client received {received}; the server used {used}.")
    return [*lines, *(f"{mode}: {statement(run.target(mode), run.proof(mode))}" for mode in run.dataset.modes)]
