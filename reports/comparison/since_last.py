"""What changed since the same question was asked last: a line beside a run's own result.

Its rule: rounds of two runs were never paired, so it says ratios with their caveat, and no verdict.
"""

from collections.abc import Iterator

from errors import UserError
from profiles.store.run_folder import RUN_FILE, RunFolder
from reports.analysis.text import interval, moment
from reports.analysis.unpaired_ratio import CAVEAT
from reports.comparison import comparison
from reports.comparison.differences import machine, other_question
from reports.run_data import RunData, read_run


def since_last(folder: RunFolder, run: RunData) -> Iterator[str]:
    """A line for each answered question; none where nobody asked it before on this machine, of the same modes."""
    last = _last(folder, run)
    if run.interactive or last is None:
        return
    name, before = last
    answers = {answer.run.question: answer for answer in before.answers}
    for answer in run.answers:
        earlier = answers.get(answer.run.question)
        if earlier is None or other_question(earlier.run, answer.run, answer.run.modes):
            continue
        rows = [comparison.row(earlier, answer, mode, None) for mode in answer.dataset.modes]
        costs = [f"{row.mode} {interval(row.cost.ratio, row.cost.low, row.cost.high)}" for row in rows if row.cost]
        if costs:
            when = moment(earlier.run.started_at)
            yield f"server CPU since last run ({name}, {when}): {', '.join(costs)} ({CAVEAT})"


def _last(folder: RunFolder, run: RunData) -> tuple[str, RunData] | None:
    """The latest run before this one that can be compared with it, and the name of its folder."""
    earlier: list[tuple[str, RunFolder]] = []
    for path in folder.path.parent.glob(f"*/{RUN_FILE}"):
        other = RunFolder(path.parent)
        if other.path != folder.path and (started_at := _asked_alike(other, run)):
            earlier.append((started_at, other))
    for _, other in sorted(earlier, key=lambda each: (each[0], each[1].name), reverse=True):
        try:
            return other.name, read_run(other, whole=False)
        except UserError:
            continue  # `make runs` says why
    return None


def _asked_alike(other: RunFolder, run: RunData) -> str | None:
    """When it began, where it asked the same before this run did, and ended."""
    try:
        before = other.read_run()
    except UserError:
        return None
    alike = (
        (before.kind, before.state) == (run.run.kind, "done")
        and before.started_at < run.run.started_at
        and {*before.modes} == {*run.run.modes}
        and machine(before) == machine(run.run)
        and not other_question(before, run.run, run.run.modes)
    )
    return before.started_at if alike else None
