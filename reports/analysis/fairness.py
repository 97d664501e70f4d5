"""What makes targets unequal before anything runs: said beside the numbers, since no pairing removes it.

Its rule: facts of the run's record in, cautions out; each with a remedy where there is one.
"""

from collections.abc import Iterator

from profiles.store.records import Run
from profiles.store.run_facts import TargetFacts
from reports.analysis.findings import Finding
from units import format_size


def fairness(run: Run) -> Iterator[Finding]:
    yield from _congestion(run)
    yield from _protocol(run)
    for target in run.targets:
        yield from (Finding("caution", text, target.name) for text in _external(target, run))


def _congestion(run: Run) -> Iterator[Finding]:
    """A target that paces (BBR) and one that does not (cubic) differ in more than their data path."""
    known = {mode: control for mode, control in run.congestion.items() if control}
    if len(set(known.values())) > 1:
        used = ", ".join(f"{mode} uses {control}" for mode, control in known.items())
        remedy = "`sysctl net.ipv4.tcp_congestion_control=cubic` makes external servers equal"
        yield Finding("caution", f"congestion control differs: {used}; {remedy}")
    for mode in run.modes:
        if mode in run.congestion and mode not in known:
            yield Finding("caution", "congestion control unknown: install iproute2 (`ss`) to read it", mode)


def _protocol(run: Run) -> Iterator[Finding]:
    raw = [target.name for target in run.targets if target.protocol == "raw"]
    if raw and len(raw) < len(run.targets):
        text = f"protocol differs: {', '.join(raw)} raw, the others HTTP: raw means no head, a connection per download"
        yield Finding("caution", f"{text}; with large files that weighs little")


def _external(target: TargetFacts, run: Run) -> Iterator[str]:
    beside = [one.name for one in run.targets if one.process and one.process == target.process and one != target]
    if beside:
        counted = "its CPU time and faults are those of its own slices, in which nobody loads the other"
        yield f"one process serves it and {' and '.join(beside)}: {counted}; its memory is that of both"
    if target.external in ("pid", "container"):
        yield "measured as found: not restarted for every cell, and not pinned to the servers' CPUs"
    sent = {one.name: one.size_bytes or run.file.size_bytes for one in run.targets}
    own_bytes = sent.get(target.name, 0)
    if target.size_bytes is not None and (others := sorted({*sent.values()} - {own_bytes})):
        sizes = f"{format_size(own_bytes)}, the others {' and '.join(map(format_size, others))}"
        yield f"serves a file of another size: {sizes}; costs per request weigh differently"
