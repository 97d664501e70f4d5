"""Is this run fit to conclude from? Records in; voids, cautions and unknowns out (docs/method.md §6).

Its rule: checks look at how the run went and never at who won, and what cannot be read is "unknown", not "ok". A
finding is one line that counts rounds and names none; Finding.rounds holds which. Rounds that measured something else
were left out before (rounds.py); the checks here speak of those that are judged.
"""

from collections import Counter
from collections.abc import Iterator

from profiles.store.records import Cell, Run
from reports.analysis.aa_floor import floor_of_run
from reports.analysis.bottleneck import client_limited, mostly_client_limited
from reports.analysis.cpu_speed import cpu_speed
from reports.analysis.disturbance import MOST_STEAL, RULES, DisturbanceRule, about_steal, steal_share
from reports.analysis.fairness import fairness
from reports.analysis.findings import Finding, Validity
from reports.analysis.rounds import Dataset, number_of
from reports.analysis.text import plural
from units import format_size


def check(dataset: Dataset) -> Validity:
    return Validity(
        (
            *_exploratory(dataset.run),
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
            *_lost(dataset),
            *_completeness(dataset),
        ),
        (dataset.run.baseline, *dataset.others),
    )


def _exploratory(run: Run) -> Iterator[Finding]:
    if run.quick:
        yield Finding("caution", "exploratory: a quick run has too few rounds for a verdict")


def _failures(dataset: Dataset) -> Iterator[Finding]:
    for mode in dataset.modes:
        failed = [cell for cell in dataset.cells if cell.mode == mode and cell.failures]
        names: Counter[str] = Counter()
        for cell in failed:
            names.update(cell.failure_names)
        if failed:
            what = ", ".join(f"{count:,} × {name}" for name, count in names.items()) or "no reason recorded"
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
        elif lost := proved[mode].uncounted:
            yield Finding("void", f"what it costs cannot be measured: {lost}", mode)
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
        odd = [c for c in cells if c.received_bytes > 0 and not _adds_up(c, size, dataset.run.users)]
        if odd:
            text = f"{plural(odd[0].downloads, 'download')} of {format_size(size)} do not add up to the "
            exactly = f"{odd[0].received_bytes:,} bytes" if odd[0].slices else format_size(odd[0].received_bytes)
            text += f"{exactly} that arrived"
            yield Finding("void", text, mode, tuple(cell.round for cell in odd))


def _adds_up(cell: Cell, size: int, users: int) -> bool:
    """Slices are whole downloads, unless some failed; a window cuts at most one per user at each of its edges."""
    slack = 0 if cell.slices and not cell.failures else 2 * users * size
    return abs(cell.received_bytes - cell.downloads * size) <= slack


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
    for rule in (rule for rule in RULES if rule.applies(dataset.run)):
        values = [rule.read(cell, dataset.run) for cell in dataset.cells if rule.is_for(cell, dataset.run)]
        for mode in dataset.modes if rule.by_mode else (None,):
            yield from () if rule.voids else _over(dataset, rule, mode)
        if unknown := sum(value is None for value in values):
            share = "" if unknown == len(values) else f" in {unknown} of {len(values)} cells"
            yield Finding("unknown", f"{rule.name}: unknown{share}")
    if dataset.always_disturbed and not dataset.run.quick:  # which judges nothing
        text = f"{len(dataset.disturbed)} of {plural(len(dataset.all_rounds), 'round')} measured something else"
        yield Finding("caution", f"{text}; too few others remain, so every round is judged")


def _over(dataset: Dataset, rule: DisturbanceRule, mode: str | None) -> Iterator[Finding]:
    """mode: whose cells count; None for all."""
    cells = [cell for found in dataset.rounds for cell in found.values() if mode in (None, cell.mode)]
    over = [(rule.read(cell, dataset.run) or 0.0, cell.round) for cell in cells if rule.over(cell, dataset.run)]
    if over:
        numbers = tuple(sorted({number for _, number in over}))
        text = rule.complaint.format(worst=rule.say(max(over)[0]))
        text += f" in {len(numbers)} of {plural(len(dataset.rounds), 'round')}"
        if rule.read is steal_share and not dataset.run.quick:  # a quick run does not look at the clock
            stands = "they stand, since " if dataset.run.clock_excludes_steal else ""
            text += f"; {stands}{about_steal(dataset.run)}"
        yield Finding("caution", text, mode, numbers)


def left_out(dataset: Dataset) -> str | None:
    """One line on the rounds that are not judged; None where all are."""
    if not dataset.dropped:
        return None
    rounds = [cells.values() for cells in dataset.all_rounds if number_of(cells) in dataset.dropped]
    counts = {rule: sum(any(rule.repeats(c, dataset.run) for c in cells) for cells in rounds) for rule in RULES}
    why = ", ".join(f"{rule.name} in {count}" for rule, count in counts.items() if count)
    steal = any(count and rule.read is steal_share for rule, count in counts.items())
    gated = steal and dataset.run.clock_excludes_steal is not True
    also = f"; {about_steal(dataset.run)}, so more than {100 * MOST_STEAL:g} % counts" if gated else ""
    share = f"{len(rounds)} of {plural(len(dataset.all_rounds), 'round')} left out"
    return f"{share}, since they measured something else ({why}{also})"


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
    elif run.file.rewritten:
        text = "the served file was written or replaced during the run, and had the same bytes at the end"
        yield Finding("caution", text)
    if run.cache != "warm":
        return  # every cell checks what counts
    for when, share in (("before", run.file.resident_share_before), ("after", run.file.resident_share_after)):
        if share is None:
            yield Finding("unknown", f"share of the file in the page cache {when} the run: unknown")
        elif share < 1:
            yield Finding(
                "caution", f"only {min(99.9, 100 * share):.3g} % of the file was in the page cache {when} the run"
            )


def _lost(dataset: Dataset) -> Iterator[Finding]:
    """Cells without a result: the server died, or the agent, a worker or the network was lost."""
    run = dataset.run
    explained = {void.round for void in run.voids}
    rounds = explained | {cell.round for cell in dataset.cells}
    for mode in dataset.modes:
        voids = [void for void in run.voids if void.mode == mode]
        numbers = tuple(sorted({void.round for void in voids}))
        if voids and not dataset.cells_of(mode):
            yield Finding("void", f"no result in any round: {voids[-1].reason}", mode, numbers)
        elif voids:
            text = f"no result in {len(numbers)} of {plural(len(rounds), 'round')}: {voids[-1].reason}"
            yield Finding("caution", text, mode, numbers)
        there = {cell.round for cell in dataset.cells if cell.mode == mode}
        if missing := tuple(sorted(rounds - there - explained)):
            text = f"no result in {len(missing)} of {plural(len(rounds), 'round')}: it did not come to its turn"
            yield Finding("caution", text, mode, missing)


def _completeness(dataset: Dataset) -> Iterator[Finding]:
    """Is every planned round judged? One that a repeat replaced counts."""
    run, done = dataset.run, len(dataset.all_rounds)
    planned = run.rounds_planned or len(run.order)
    if run.state != "done":
        how = {"interrupted": "was interrupted", "failed": "failed"}.get(run.state, "did not end")
        because = f" ({run.reason})" if run.reason else ""
        yield Finding("caution", f"the run {how} after {done} of {plural(planned, 'round')}{because}")
    elif not run.stopped and len(dataset.rounds) < planned:
        text = f"only {len(dataset.rounds)} of {plural(planned, 'planned round')} could be judged"
        yield Finding("caution", text + (": the others were disturbed and not replaced" if dataset.dropped else ""))
