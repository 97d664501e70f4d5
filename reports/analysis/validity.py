"""Is this run fit to conclude from? Records in; voids, cautions and unknowns out (method.md §6).

Its rule: gates look at how the run went and never at who won, and what cannot be read is "unknown", not "ok".
Disturbed rounds were dropped before (reports/analysis/rounds.py); here it is said what speaks against those that are judged.

- void: the numbers of a mode do not mean what they say. Nothing is concluded from them.
- caution: they stand, and this belongs beside them.
- unknown: nobody looked, so nobody knows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from profiles.store.records import Run
from reports.analysis.aa_floor import floor_of_run
from reports.analysis.bottleneck import client_limited, mostly_client_limited
from reports.analysis.cpu_speed import core_speed
from reports.analysis.disturbance import GATES
from reports.analysis.fairness import cautions
from reports.analysis.rounds import Dataset, number_of
from reports.analysis.text import plural, rounds_list
from units import format_size

MOST_APART = 0.01  # of a window

Severity = Literal["void", "caution", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """mode: whose numbers it concerns, None for the whole run. rounds: where, if not everywhere."""

    kind: Severity
    text: str
    mode: str | None = None
    rounds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Validity:
    findings: tuple[Finding, ...]

    def of(self, kind: Severity) -> tuple[Finding, ...]:
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


def check(dataset: Dataset) -> Validity:
    return Validity(
        (
            *_failures(dataset),
            *_proofs(dataset),
            *_bytes(dataset),
            *_another_question(dataset),
            *_client_limited(dataset),
            *_disturbed(dataset),
            *_never_calm(dataset),
            *_uneven_cores(dataset),
            *_equals_differ(dataset),
            *(Finding("caution", text, mode) for text, mode in cautions(dataset.run)),
            *_residency(dataset.run),
            *_voids(dataset.run),
            *_clocks(dataset),
            *_completeness(dataset),
        )
    )


def _failures(dataset: Dataset) -> Iterator[Finding]:
    for mode in dataset.modes:
        names: dict[str, int] = {}
        failed = [cell for cell in dataset.cells if cell.mode == mode and cell.failures]
        for cell in failed:
            for name, count in cell.failure_names.items():
                names[name] = names.get(name, 0) + count
        if failed:
            what = ", ".join(f"{name} {count:,}" for name, count in names.items()) or "no name recorded"
            text = f"{plural(sum(cell.failures for cell in failed), 'request')} failed ({what})"
            yield Finding("void", text, mode, tuple(cell.round for cell in failed))
    for profile in dataset.profiles:
        if profile.cell.failures:
            text = f"{plural(profile.cell.failures, 'request')} failed while the flame graph was recorded"
            yield Finding("caution", text, profile.cell.mode)


def _proofs(dataset: Dataset) -> Iterator[Finding]:
    """A mode that did not use the path it is named after is void (method.md §6); one that nobody proved is unknown."""
    proved = {proof.mode: proof for proof in dataset.proofs}
    for mode in dataset.modes:
        if mode not in proved:
            yield Finding("unknown", "that it used the path it is named after was not proved", mode)
        elif reason := proved[mode].contradiction:
            yield Finding("void", f"it did not use the path it is named after: {reason}", mode)
        elif unseen := proved[mode].unknown:
            yield Finding("unknown", f"not to be seen from outside: {unseen}", mode)
    for mode, reason in dataset.run.skipped.items():
        yield Finding("caution", f"skipped, missing on this machine: {reason}", mode)


def _bytes(dataset: Dataset) -> Iterator[Finding]:
    """Zero bytes, or bytes that do not agree with the downloads that were counted as complete."""
    own = {target.name: target.size_bytes for target in dataset.run.targets}
    for mode in dataset.modes:
        size = own.get(mode) or dataset.run.file.size_bytes
        cells = [cell for cell in dataset.cells if cell.mode == mode]
        if empty := [cell.round for cell in cells if cell.received_bytes <= 0]:
            yield Finding("void", "not one byte arrived", mode, tuple(empty))
        # A window cuts at most one download per user at each of its edges.
        slack = 2 * dataset.run.users * size
        odd = [c for c in cells if c.received_bytes > 0 and abs(c.received_bytes - c.downloads * size) > slack]
        if odd:
            text = f"{plural(odd[0].downloads, 'download')} of {format_size(size)} do not make the "
            text += f"{format_size(odd[0].received_bytes)} that arrived"
            yield Finding("void", text, mode, tuple(cell.round for cell in odd))


def _another_question(dataset: Dataset) -> Iterator[Finding]:
    """A mode that could not be offered the rate, or whose file was not cold, in a round that had to be judged."""
    for gate in GATES:
        for mode in dataset.modes if gate.voids else ():
            over = [cell for cell in dataset.cells_of(mode) if gate.over(cell, dataset.run)]
            if over:
                worst = max(gate.read(cell, dataset.run) or 0.0 for cell in over)
                text = f"{gate.complaint} (at worst {gate.name} {gate.say(worst)})"
                yield Finding("void", text, mode, tuple(cell.round for cell in over))


def _client_limited(dataset: Dataset) -> Iterator[Finding]:
    for mode in dataset.modes:
        cells = dataset.cells_of(mode)
        if mostly_client_limited(cells, dataset.run):
            count = sum(client_limited(cell, dataset.run) for cell in cells)
            text = f"client-limited in {count} of {plural(len(cells), 'round')}: "
            paced = dataset.run.question == "paced"
            meaning = "latency is the client's own in part" if paced else "throughput is a lower bound"
            yield Finding("caution", f"{text}{meaning}; CPU per GiB stands", mode)


def _disturbed(dataset: Dataset) -> Iterator[Finding]:
    """Cautions for what disturbed rounds that are judged; unknowns for what nobody could read."""
    judged = {number_of(cells) for cells in dataset.rounds}
    every = {cell.round for cell in dataset.cells}
    for gate in GATES:
        values = {(cell.round, cell.mode): gate.read(cell, dataset.run) for cell in dataset.cells}
        over = sorted(
            {
                number
                for (number, _), value in values.items()
                if value is not None and value > gate.limit and number in judged
            }
        )
        unknown = [key for key, value in values.items() if value is None]
        if over and not gate.voids:
            where = f"in round{'s' * (len(over) > 1)} {rounds_list(over)}"
            where = "in every round" if set(over) == every else where
            yield Finding("caution", f"{gate.complaint}, {where}", None, tuple(over))
        if unknown:
            share = "" if len(unknown) == len(values) else f" in {len(unknown)} of {len(values)} cells"
            yield Finding("unknown", f"{gate.name}: unknown{share}")


def _never_calm(dataset: Dataset) -> Iterator[Finding]:
    """A machine that is always disturbed gets its numbers, and this beside them."""
    if dataset.always_disturbed:
        of = f"{len(dataset.disturbed)} of {plural(len(dataset.all_rounds), 'round')}"
        yield Finding("caution", f"disturbed: {of}; too few are left to judge from, so every round is kept")


def _uneven_cores(dataset: Dataset) -> Iterator[Finding]:
    """Something slowed the servers' CPUs that no counter shows: it is noise, and says why there is much of it."""
    speed = core_speed(dataset)
    if speed and speed.uneven:
        text = f"the servers' CPU was not always equally fast: a fixed loop between cells took {speed.low_us:,.0f} to "
        text += f"{speed.high_us:,.0f} µs of CPU time ({speed.ratio:.2f}x) in eight of ten, as where another hardware "
        text += "thread of the same core is busy, or the clock changes; the intervals are wider for it"
        yield Finding("caution", text)


def _equals_differ(dataset: Dataset) -> Iterator[Finding]:
    """The A/A check of this run: the duplicate of the baseline must not differ from it."""
    if dataset.run.duplicate is None:
        return
    floor = floor_of_run(dataset)
    if floor is None:
        yield Finding("caution", "the A/A floor could not be measured: too few rounds for an interval")
    elif not floor.holds_one:
        text = f"the A/A check failed: the baseline's duplicate differs from it, {floor.low:.2f}x to {floor.high:.2f}x"
        yield Finding("caution", f"{text}; δ is widened, and the floor is not kept")


def _residency(run: Run) -> Iterator[Finding]:
    if run.file.changed:
        yield Finding("void", "the served file changed during the run")
    if run.cache == "cold":
        return  # what counts is looked at in every cell
    for when, share in (("before", run.file.resident_share_before), ("after", run.file.resident_share_after)):
        if share is None:
            yield Finding("unknown", f"how much of the file was in the page cache {when} the run: unknown")
        elif share < 1:
            yield Finding("caution", f"only {100 * share:.3g} % of the file was in the page cache {when} the run")


def _voids(run: Run) -> Iterator[Finding]:
    """Cells that came to nothing because somebody went away; their rounds are in no comparison."""
    for void in run.voids:
        again = next((repeat.round for repeat in run.repeats if repeat.of == void.round), None)
        what = "" if again is None else f"; the round was run again as round {again}"
        yield Finding("caution", f"void in round {void.round}: {void.reason}{what}", void.mode, (void.round,))


def _clocks(dataset: Dataset) -> Iterator[Finding]:
    """Bytes are counted on one host and CPU time on another: how far apart may the two windows lie?"""
    known = [(cell.metrics.get("clock_uncertainty_s") or 0.0, cell) for cell in dataset.cells if cell.wall_s > 0]
    apart = [(2 * uncertainty_s / cell.wall_s, cell.round) for uncertainty_s, cell in known]
    worst = max(apart, default=(0.0, 0))[0]
    if worst > MOST_APART:
        over = sorted({number for share, number in apart if share > MOST_APART})
        text = f"the hosts' clocks are known to each other within {100 * worst:.2g} % of a window"
        yield Finding("caution", f"{text}: a longer WINDOW helps", None, tuple(over))


def _completeness(dataset: Dataset) -> Iterator[Finding]:
    """Did every planned round end up judged? A dropped round that a repeat replaced did."""
    run, done = dataset.run, len(dataset.all_rounds)
    planned, void = run.rounds_planned or len(run.order), {void.round for void in run.voids}
    because = f" ({run.reason})" if run.reason else ""
    if run.state != "done":
        how = {"interrupted": "was interrupted", "failed": "failed"}.get(run.state, "did not end")
        yield Finding("caution", f"the run {how} after {done} of {plural(planned, 'round')}{because}")
    elif void and not run.stopped and done < planned:
        yield Finding("caution", f"only {done} of {plural(planned, 'round')} are complete")
    elif done < len(run.order) - len(void):
        yield Finding("caution", f"only {done} of {plural(len(run.order), 'round')} are complete{because}")
    elif dataset.dropped and not run.stopped and len(dataset.rounds) < planned:
        text = f"only {len(dataset.rounds)} of {plural(planned, 'planned round')} could be judged: the others"
        yield Finding("caution", f"{text} were disturbed, and so were their repeats")
    if incomplete := set(dataset.incomplete) - void:
        which = rounds_list(sorted(incomplete))
        yield Finding("caution", f"round {which} lacks a mode and is left out of every comparison")
