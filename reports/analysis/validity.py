"""Is this run fit to conclude from? Records in; voids, cautions and unknowns out (docs/method.md §6).

Its rule: checks look at how the run went and never at who won, and what cannot be read is "unknown", not "ok".
Disturbed rounds were dropped before (rounds.py); the checks here speak of the rounds that are judged.
"""

from collections import Counter
from collections.abc import Iterator

from profiles.store.records import Run
from reports.analysis.aa_floor import floor_of_run
from reports.analysis.bottleneck import client_limited, mostly_client_limited
from reports.analysis.cpu_speed import cpu_speed
from reports.analysis.disturbance import RULES
from reports.analysis.fairness import fairness
from reports.analysis.findings import Finding, Validity
from reports.analysis.rounds import Dataset, number_of
from reports.analysis.text import plural, rounds_list
from units import format_size

MOST_APART = 0.01  # of a window


def check(dataset: Dataset) -> Validity:
    return Validity(
        (
            *_failures(dataset),
            *_proofs(dataset),
            *_bytes(dataset),
            *_other_question(dataset),
            *_client_limited(dataset),
            *_disturbed(dataset),
            *_uneven_cpu_speed(dataset),
            *_equals_differ(dataset),
            *fairness(dataset.run),
            *_residency(dataset.run),
            *_void_cells(dataset.run),
            *_clocks(dataset),
            *_completeness(dataset),
        )
    )


def _failures(dataset: Dataset) -> Iterator[Finding]:
    for mode in dataset.modes:
        failed = [cell for cell in dataset.cells if cell.mode == mode and cell.failures]
        names: Counter[str] = Counter()
        for cell in failed:
            names.update(cell.failure_names)
        if failed:
            what = ", ".join(f"{name} {count:,}" for name, count in names.items()) or "no reason recorded"
            text = f"{plural(sum(cell.failures for cell in failed), 'request')} failed ({what})"
            yield Finding("void", text, mode, tuple(cell.round for cell in failed))
    for profile in dataset.profiles:
        if profile.cell.failures:
            text = f"{plural(profile.cell.failures, 'request')} failed while the flame graph was recorded"
            yield Finding("caution", text, profile.cell.mode)


def _proofs(dataset: Dataset) -> Iterator[Finding]:
    """A mode that did not use the path it is named after is void; one that nobody proved is unknown."""
    proved = {proof.mode: proof for proof in dataset.proofs}
    for mode in dataset.modes:
        if mode not in proved:
            yield Finding("unknown", "nobody proved that it used the path it is named after", mode)
        elif reason := proved[mode].contradiction:
            yield Finding("void", f"it did not use the path it is named after: {reason}", mode)
        elif unseen := proved[mode].unknown:
            yield Finding("unknown", f"cannot be seen from outside: {unseen}", mode)
    for mode, reason in dataset.run.skipped.items():
        yield Finding("caution", f"skipped, since this machine cannot run it: {reason}", mode)


def _bytes(dataset: Dataset) -> Iterator[Finding]:
    """Zero bytes, or bytes that the count of complete downloads cannot explain."""
    own = {target.name: target.size_bytes for target in dataset.run.targets}
    for mode in dataset.modes:
        size = own.get(mode) or dataset.run.file.size_bytes
        cells = [cell for cell in dataset.cells if cell.mode == mode]
        if empty := [cell.round for cell in cells if cell.received_bytes <= 0]:
            yield Finding("void", "no byte arrived", mode, tuple(empty))
        # A window cuts at most one download per user at each of its edges.
        slack = 2 * dataset.run.users * size
        odd = [c for c in cells if c.received_bytes > 0 and abs(c.received_bytes - c.downloads * size) > slack]
        if odd:
            text = f"{plural(odd[0].downloads, 'download')} of {format_size(size)} do not add up to the "
            text += f"{format_size(odd[0].received_bytes)} that arrived"
            yield Finding("void", text, mode, tuple(cell.round for cell in odd))


def _other_question(dataset: Dataset) -> Iterator[Finding]:
    """A mode that could not be offered the rate, or whose file was not cold, in a round that had to be judged."""
    for rule in (rule for rule in RULES if rule.voids):
        for mode in dataset.modes:
            over = [cell for cell in dataset.cells_of(mode) if rule.over(cell, dataset.run)]
            if over:
                worst = max(rule.read(cell, dataset.run) or 0.0 for cell in over)
                text = f"{rule.complaint} (worst: {rule.name} {rule.say(worst)})"
                yield Finding("void", text, mode, tuple(cell.round for cell in over))


def _client_limited(dataset: Dataset) -> Iterator[Finding]:
    for mode in dataset.modes:
        cells = dataset.cells_of(mode)
        if mostly_client_limited(cells, dataset.run):
            count = sum(client_limited(cell, dataset.run) for cell in cells)
            text = f"client-limited in {count} of {plural(len(cells), 'round')}: "
            paced = dataset.run.question == "paced"
            meaning = "latency is partly the client's own" if paced else "throughput is a lower bound"
            yield Finding("caution", f"{text}{meaning}; CPU per GiB holds", mode)


def _disturbed(dataset: Dataset) -> Iterator[Finding]:
    """Cautions for what disturbed rounds that are judged; unknowns for what nobody could read."""
    judged = {number_of(cells) for cells in dataset.rounds}
    every = {cell.round for cell in dataset.cells}
    for rule in (rule for rule in RULES if rule.applies(dataset.run)):
        values = [(cell.round, rule.read(cell, dataset.run)) for cell in dataset.cells]
        over = {number for number, value in values if value is not None and value > rule.limit} & judged
        unknown = sum(value is None for _, value in values)
        if over and not rule.voids:
            where = (
                "in every round" if over == every else f"in round{'s' * (len(over) > 1)} {rounds_list(sorted(over))}"
            )
            yield Finding("caution", f"{rule.complaint}, {where}", None, tuple(sorted(over)))
        if unknown:
            share = "" if unknown == len(values) else f" in {unknown} of {len(values)} cells"
            yield Finding("unknown", f"{rule.name}: unknown{share}")
    if dataset.always_disturbed:
        share = f"{len(dataset.disturbed)} of {plural(len(dataset.all_rounds), 'round')}"
        yield Finding("caution", f"{share} disturbed; too few are left to judge from, so every round is kept")


def _uneven_cpu_speed(dataset: Dataset) -> Iterator[Finding]:
    speed = cpu_speed(dataset)
    if speed and speed.uneven:
        text = f"the servers' CPU speed varied: a fixed loop between cells took {speed.low_us:,.0f} to "
        text += f"{speed.high_us:,.0f} µs of CPU time ({speed.ratio:.2f}x, 10th to 90th percentile); perhaps another "
        yield Finding("caution", text + "hardware thread was busy or the clock changed; this widens the intervals")


def _equals_differ(dataset: Dataset) -> Iterator[Finding]:
    """The A/A check of this run: the duplicate of the baseline must not differ from it."""
    if dataset.run.duplicate is None:
        return
    floor = floor_of_run(dataset)
    if floor is None:
        yield Finding("caution", "the A/A floor could not be measured: too few rounds for an interval")
    elif not floor.holds_one:
        text = f"the A/A check failed: the baseline's duplicate differs from it, {floor.low:.2f}x to {floor.high:.2f}x"
        yield Finding("caution", f"{text}; δ is widened, and the floor is not saved")


def _residency(run: Run) -> Iterator[Finding]:
    if run.file.changed:
        yield Finding("void", "the served file changed during the run")
    if run.cache == "cold":
        return  # every cell checks what counts
    for when, share in (("before", run.file.resident_share_before), ("after", run.file.resident_share_after)):
        if share is None:
            yield Finding("unknown", f"share of the file in the page cache {when} the run: unknown")
        elif share < 1:
            yield Finding("caution", f"only {100 * share:.3g} % of the file was in the page cache {when} the run")


def _void_cells(run: Run) -> Iterator[Finding]:
    """Cells without a result, since the agent or a worker was lost; their rounds are in no comparison."""
    for void in run.voids:
        again = next((repeat.round for repeat in run.repeats if repeat.of == void.round), None)
        repeated = "" if again is None else f"; repeated as round {again}"
        yield Finding("caution", f"void in round {void.round}: {void.reason}{repeated}", void.mode, (void.round,))


def _clocks(dataset: Dataset) -> Iterator[Finding]:
    """Bytes are counted on one host and CPU time on another: how far may their windows differ?"""
    known = [(cell.metrics.get("clock_uncertainty_s") or 0.0, cell) for cell in dataset.cells if cell.wall_s > 0]
    apart = [(2 * uncertainty_s / cell.wall_s, cell.round) for uncertainty_s, cell in known]
    worst = max(apart, default=(0.0, 0))[0]
    if worst > MOST_APART:
        over = sorted({number for share, number in apart if share > MOST_APART})
        text = f"the offset of the hosts' clocks is uncertain by {100 * worst:.2g} % of a window"
        yield Finding("caution", f"{text}: use a longer WINDOW", None, tuple(over))


def _completeness(dataset: Dataset) -> Iterator[Finding]:
    """Is every planned round judged? One that a repeat replaced counts."""
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
        yield Finding("caution", f"{text} and their repeats were disturbed")
    if incomplete := set(dataset.incomplete) - void:
        which = f"round{'s' * (len(incomplete) > 1)} {rounds_list(sorted(incomplete))}"
        yield Finding("caution", f"left out of every comparison, since a mode is missing: {which}")
