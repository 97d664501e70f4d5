"""What makes targets unequal before anything runs: said beside the numbers, since no pairing removes it.

Its rule: facts of the run's record in, cautions out; each with what can be done about it.
"""

from collections.abc import Iterator

from profiles.store.records import Run
from profiles.store.run_facts import TargetFacts
from units import format_size

Caution = tuple[str, str | None]  # what, and whose numbers it concerns


def cautions(run: Run) -> Iterator[Caution]:
    yield from _congestion(run)
    for target in run.targets:
        yield from ((text, target.name) for text in _guest(target, run))


def _congestion(run: Run) -> Iterator[Caution]:
    """A target that paces (BBR) is not compared with one that does not (cubic) by its data path alone."""
    known = {mode: control for mode, control in run.congestion.items() if control}
    unknown = [mode for mode in run.modes if mode in run.congestion and mode not in known]
    if len(set(known.values())) > 1:
        used = ", ".join(f"{control} by {mode}" for mode, control in known.items())
        text = f"congestion control differs: {used}; `sysctl net.ipv4.tcp_congestion_control=cubic` makes guests equal"
        yield text, None
    for mode in unknown:
        yield "its congestion control is unknown: install iproute2 (`ss`), which can tell", mode


def _guest(target: TargetFacts, run: Run) -> Iterator[str]:
    if target.external in ("pid", "container"):
        yield "measured as it was found: not started fresh in every cell, and not bound to the servers' CPUs"
    if target.size_bytes is not None and target.size_bytes != run.file.size_bytes:
        sizes = f"{format_size(target.size_bytes)}, the others {format_size(run.file.size_bytes)}"
        yield f"it sends another file than the others: {sizes}; costs per request weigh differently"
