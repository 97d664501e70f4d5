"""The verdict sentences, word for word (method.md §5), and what they rest on."""

from markupsafe import Markup

from profiles.records import Floor
from reports.data import RunData
from reports.paired import TARGET_HALF_WIDTH, family_confidence, percent
from reports.rendering import fragment

TITLE = "Verdict"
ORDER = 10

SIGNS = {"less": "↓", "more": "↑", "same": "=", "inconclusive": "?", "void": "✕", "none": "–"}


def render(run: RunData) -> Markup:
    comparisons = len(run.measured.others)
    return fragment(
        "verdict.html",
        verdicts=run.verdicts,
        signs=SIGNS,
        validity=run.validity.word,
        delta=percent(run.delta),
        floor=floor_text(run.floor, run.run.name),
        target=percent(TARGET_HALF_WIDTH),
        comparisons=comparisons,
        level=percent(family_confidence(comparisons)),
        baseline=run.run.baseline,
        question=run.run.question,
    )


def floor_text(floor: Floor | None, run: str) -> str:
    """What is known of the machine's A/A floor, and from when."""
    if floor is None:
        return "this machine's A/A floor is unknown: `make load CALIBRATE=1` measures it"
    where = "in this run" if floor.run == run else f"in run {floor.run}, {floor.at}"
    said = f"{floor.low:.3f}x to {floor.high:.3f}x for two equals, {where}"
    return f"this machine's A/A floor is {percent(round(floor.reach, 4))} ({said})"
