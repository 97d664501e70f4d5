"""The verdict sentences, word for word (method.md §5), and what they rest on."""

from markupsafe import Markup

from reports.data import RunData
from reports.paired import percent
from reports.rendering import fragment
from reports.verdict import SMALLEST_DELTA, TARGET_HALF_WIDTH, confidence

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
        delta=percent(SMALLEST_DELTA),
        target=percent(TARGET_HALF_WIDTH),
        comparisons=comparisons,
        level=percent(confidence(comparisons)),
        baseline=run.run.baseline,
        question=run.run.question,
    )
