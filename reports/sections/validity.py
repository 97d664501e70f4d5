"""Valid, caution or void, with the reasons; which rounds were dropped, and whether that changes the result."""

from markupsafe import Markup

from reports.analysis.text import plural, rounds_list
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "Can the result be trusted?"
ORDER = 30
HALF_WIDTH = True
PER_WORKLOAD = True

MOST_DROPS = 12


def render(run: RunData) -> Markup:
    suspicious = list(run.validity.suspicious)
    drops = drops_of(run)
    return fragment(
        "validity.html",
        validity=run.validity,
        rounds=rounds_line(run),
        drops=drops[:MOST_DROPS],
        more_drops=len(drops) - MOST_DROPS,
        sensitivity=run.sensitivity,
        stopped=run.run.stopped,
        planned=run.run.rounds_planned,
        suspicious=_which(suspicious, len({cell.round for cell in run.dataset.cells})),
    )


def rounds_line(run: RunData) -> str:
    """How many rounds are judged, dropped and repeated."""
    done, dropped, repeats = len(run.dataset.all_rounds), len(run.dataset.dropped), len(run.run.repeats)
    if not dropped and not repeats:
        return f"{plural(done, 'complete round')}; no round was dropped or repeated."
    judged = f"{len(run.dataset.rounds)} of {plural(done, 'complete round')} judged"
    return f"{judged}; {dropped} dropped, {repeats} repeated because they were disturbed."


def drops_of(run: RunData) -> list[tuple[int, str, str]]:
    """Per dropped round: its number, the reasons, and whether it was repeated."""
    again = {repeat.of: repeat.round for repeat in run.run.repeats}
    first = {repeat.round: repeat.of for repeat in run.run.repeats}
    return [
        (
            number,
            "; ".join(reasons),
            f"a repeat of round {first[number]}"
            if number in first
            else f"repeated as round {again[number]}"
            if number in again
            else "not repeated",
        )
        for number, reasons in run.dataset.dropped.items()
    ]


def _which(suspicious: list[int], rounds: int) -> str:
    if len(suspicious) == rounds:
        return "every round"
    return f"round{'s' * (len(suspicious) > 1)} {rounds_list(suspicious)}" if suspicious else ""
