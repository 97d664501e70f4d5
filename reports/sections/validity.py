"""Valid, caution or void, with the reasons; and what was done with the rounds."""

from markupsafe import Markup

from reports.data import RunData
from reports.rendering import fragment
from reports.text import plural, rounds_list

TITLE = "Can it be trusted?"
ORDER = 30
HALF = True


def render(run: RunData) -> Markup:
    suspicious = list(run.validity.suspicious)
    return fragment(
        "validity.html",
        validity=run.validity,
        rounds=plural(len(run.measured.rounds), "complete round"),
        suspicious=_which(suspicious, len({cell.round for cell in run.measured.cells})),
    )


def _which(suspicious: list[int], rounds: int) -> str:
    if len(suspicious) == rounds:
        return "every round"
    return f"round{'s' * (len(suspicious) > 1)} {rounds_list(suspicious)}" if suspicious else ""
