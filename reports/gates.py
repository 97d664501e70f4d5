"""Is this run fit to conclude from? Records in; voids, cautions and unknowns out (method.md §6).

Its rule: gates look at how the run went and never at who won, and what cannot be read is "unknown", not "ok".
No round is dropped or retried here: suspicious ones are named and kept.

- void: the numbers of a mode do not mean what they say. Nothing is concluded from them.
- caution: they stand, and this belongs beside them.
- unknown: nobody looked, so nobody knows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from profiles.records import Cell, Run
from reports.measured import Measured, cores
from reports.text import plural, rounds_list
from units import GIB, KIB, format_size

STEAL_SHARE = 0.02  # of the machine's CPU time
SAMPLER_CORES = 0.02
FOREIGN_CORES = 0.10
FULL_CORES = 0.85
RESENT_SHARE = 0.01

Kind = Literal["void", "caution", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """mode: whose numbers it concerns, None for the whole run. rounds: where, if not everywhere."""

    kind: Kind
    text: str
    mode: str | None = None
    rounds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Validity:
    findings: tuple[Finding, ...]

    def of(self, kind: Kind) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.kind == kind)

    @property
    def word(self) -> Literal["valid", "caution", "void"]:
        """The worst there is. An unknown is a caution: it is not "ok"."""
        kinds = {finding.kind for finding in self.findings}
        return "void" if "void" in kinds else "caution" if kinds else "valid"

    def void_reason(self, mode: str) -> str | None:
        reasons = [finding.text for finding in self.of("void") if finding.mode in (mode, None)]
        return "; ".join(reasons) or None

    @property
    def suspicious(self) -> dict[int, list[str]]:
        """Round to what is said against it."""
        against: dict[int, list[str]] = {}
        for finding in self.findings:
            for number in finding.rounds:
                against.setdefault(number, []).append(
                    f"{finding.mode}: {finding.text}" if finding.mode else finding.text
                )
        return dict(sorted(against.items()))


def check(measured: Measured) -> Validity:
    return Validity(
        (
            *_failures(measured),
            *_proofs(measured),
            *_bytes(measured),
            *_client_limited(measured),
            *_per_cell(measured),
            *_residency(measured.run),
            *_completeness(measured),
        )
    )


def _failures(measured: Measured) -> Iterator[Finding]:
    for mode in measured.modes:
        names: dict[str, int] = {}
        failed = [cell for cell in measured.cells if cell.mode == mode and cell.failures]
        for cell in failed:
            for name, count in cell.failure_names.items():
                names[name] = names.get(name, 0) + count
        if failed:
            what = ", ".join(f"{name} {count:,}" for name, count in names.items()) or "no name recorded"
            text = f"{plural(sum(cell.failures for cell in failed), 'request')} failed ({what})"
            yield Finding("void", text, mode, tuple(cell.round for cell in failed))
    for profile in measured.profiles:
        if profile.cell.failures:
            text = f"{plural(profile.cell.failures, 'request')} failed while the flame graph was recorded"
            yield Finding("caution", text, profile.cell.mode)


def _proofs(measured: Measured) -> Iterator[Finding]:
    """A mode that did not use the path it is named after is void (method.md §6); one that nobody proved is unknown."""
    proved = {proof.mode: proof for proof in measured.proofs}
    for mode in measured.modes:
        if mode not in proved:
            yield Finding("unknown", "that it used the path it is named after was not proved", mode)
        elif reason := proved[mode].contradiction:
            yield Finding("void", f"it did not use the path it is named after: {reason}", mode)
    for mode, reason in measured.run.skipped.items():
        yield Finding("caution", f"skipped, missing on this machine: {reason}", mode)


def _bytes(measured: Measured) -> Iterator[Finding]:
    """Zero bytes, or bytes that do not agree with the downloads that were counted as complete."""
    size = measured.run.file.size_bytes
    for mode in measured.modes:
        cells = [cell for cell in measured.cells if cell.mode == mode]
        if empty := [cell.round for cell in cells if cell.received_bytes <= 0]:
            yield Finding("void", "not one byte arrived", mode, tuple(empty))
        # A window cuts at most one download per user at each of its edges.
        slack = 2 * measured.run.users * size
        odd = [c for c in cells if c.received_bytes > 0 and abs(c.received_bytes - c.downloads * size) > slack]
        if odd:
            text = f"{plural(odd[0].downloads, 'download')} of {format_size(size)} do not make the "
            text += f"{format_size(odd[0].received_bytes)} that arrived"
            yield Finding("void", text, mode, tuple(cell.round for cell in odd))


def _client_limited(measured: Measured) -> Iterator[Finding]:
    for mode in measured.modes:
        rounds = [cell.round for cell in measured.cells_of(mode) if client_limited(cell)]
        if 2 * len(rounds) > len(measured.rounds):
            text = f"client-limited in {len(rounds)} of {plural(len(measured.rounds), 'round')}: "
            yield Finding("caution", text + "throughput is a lower bound; CPU per GiB stands", mode)


def client_limited(cell: Cell) -> bool:
    """The client's core is full while the server has headroom."""
    client, server = cores(cell, "client"), cores(cell, "server")
    return client is not None and server is not None and client >= FULL_CORES > server


def steal_share(cell: Cell, run: Run) -> float | None:
    steal_s, cpus = cell.metrics.get("steal_s"), run.host.get("cpus")
    if steal_s is None or not isinstance(cpus, int | float) or cpus <= 0 or cell.wall_s <= 0:
        return None
    return steal_s / (cell.wall_s * cpus)


def sampler_cores(cell: Cell, _run: Run) -> float | None:
    sampler_s = cell.metrics.get("sampler_cpu_s")
    return None if sampler_s is None or cell.wall_s <= 0 else sampler_s / cell.wall_s


def foreign_cores(cell: Cell, run: Run) -> float | None:
    """What the machine was busy with beside the server, the client and the sampler."""
    machine_s_per_gib = cell.metrics.get("machine_cpu_s_per_gib")
    parts = (cores(cell, "server"), cores(cell, "client"), sampler_cores(cell, run))
    if machine_s_per_gib is None or cell.wall_s <= 0 or any(part is None for part in parts):
        return None
    busy = machine_s_per_gib * cell.received_bytes / GIB / cell.wall_s
    return busy - sum(part for part in parts if part is not None)


def major_faults(cell: Cell, _run: Run) -> float | None:
    return cell.metrics.get("major_faults")


def throttled(cell: Cell, run: Run) -> float | None:
    """0 without a CPU limit: there is nothing that could throttle."""
    limit = run.host.get("cgroup_cpu_max")
    known = cell.metrics.get("throttled_s")
    return 0.0 if known is None and (limit is None or str(limit).startswith("max")) else known


def resent_share(cell: Cell, _run: Run) -> float | None:
    """Of the bytes, at most: the kernel counts segments, which are 64 KiB or less.

    Some are always sent again over loopback, when a fast server outruns the receiver's buffer for a moment.
    """
    segments = cell.metrics.get("tcp_retransmits")
    return None if segments is None or cell.received_bytes <= 0 else segments * 64 * KIB / cell.received_bytes


_GATES: tuple[tuple[Callable[[Cell, Run], float | None], float, str, str], ...] = (
    (steal_share, STEAL_SHARE, "steal", "the hypervisor took more than 2 % of the CPU time"),
    (sampler_cores, SAMPLER_CORES, "the sampler's CPU", "the sampler took more than 2 % of a core"),
    (foreign_cores, FOREIGN_CORES, "foreign CPU", "other processes took more than 10 % of a core"),
    (throttled, 0, "cgroup throttling", "the cgroup's CPU limit stopped the processes"),
    (lambda cell, _: cell.metrics.get("swapped_bytes"), 0, "swapping", "the machine swapped"),
    (resent_share, RESENT_SHARE, "TCP retransmits", "TCP sent up to more than 1 % of the bytes again"),
    (major_faults, 0, "major faults", "major page faults: the file came from the disk, not from the page cache"),
)


def _per_cell(measured: Measured) -> Iterator[Finding]:
    for gate, limit, name, complaint in _GATES:
        values = {(cell.round, cell.mode): gate(cell, measured.run) for cell in measured.cells}
        over = sorted({number for (number, _), found in values.items() if found is not None and found > limit})
        unknown = [key for key, found in values.items() if found is None]
        if over:
            everywhere = len(over) == len({number for number, _ in values})
            where = "in every round" if everywhere else f"in round{'s' * (len(over) > 1)} {rounds_list(over)}"
            where = f"{complaint}, {where}"
            yield Finding("caution", where, None, tuple(over))
        if unknown:
            share = "" if len(unknown) == len(values) else f" in {len(unknown)} of {len(values)} cells"
            yield Finding("unknown", f"{name}: unknown{share}")


def _residency(run: Run) -> Iterator[Finding]:
    if run.file.changed:
        yield Finding("void", "the served file changed during the run")
    for when, share in (("before", run.file.resident_share_before), ("after", run.file.resident_share_after)):
        if share is None:
            yield Finding("unknown", f"how much of the file was in the page cache {when} the run: unknown")
        elif share < 1:
            yield Finding("caution", f"only {100 * share:.3g} % of the file was in the page cache {when} the run")


def _completeness(measured: Measured) -> Iterator[Finding]:
    run, done, planned = measured.run, len(measured.rounds), len(measured.run.order)
    because = f" ({run.reason})" if run.reason else ""
    if run.state != "done":
        how = {"interrupted": "was interrupted", "failed": "failed"}.get(run.state, "did not end")
        yield Finding("caution", f"the run {how} after {done} of {plural(planned, 'round')}{because}")
    elif done < planned:
        yield Finding("caution", f"only {done} of {plural(planned, 'round')} are complete{because}")
    if measured.incomplete:
        which = rounds_list(list(measured.incomplete))
        yield Finding("caution", f"round {which} lacks a mode and is left out of every comparison")
