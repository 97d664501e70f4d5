"""The verdict sentences (docs/method.md §5), and what they are based on."""

from markupsafe import Markup

from reports.analysis.paired_ratio import TARGET_HALF_WIDTH, family_confidence, percent
from reports.analysis.text import plural
from reports.analysis.verdict import SIGNS
from reports.analysis.workload import sentence
from reports.explanations import floor_text, where
from reports.run_data import INTERACTIVE, RunData
from reports.templating import fragment

TITLE = "Verdict"
QUICK_TITLE = "Exploratory result"
ORDER = 10
HALF_WIDTH = True
PER_WORKLOAD = True


def render(run: RunData) -> Markup:
    comparisons = len(run.dataset.others)
    return fragment(
        "verdict.html",
        interactive=INTERACTIVE if run.interactive else None,
        quick=run.run.quick,
        sentences=[(verdict.kind, verdict.line, _reason(run, verdict.mode)) for verdict in run.verdicts],
        signs=SIGNS,
        ranking=run.ranking,
        disk=run.disk,
        validity=run.validity,
        grounds=run.on_page("validity"),
        delta=percent(run.delta),
        floor=floor_text(run.floor, run.run.name),
        target=percent(TARGET_HALF_WIDTH),
        comparisons=comparisons,
        level=percent(family_confidence(comparisons)),
        baseline=run.run.baseline,
        question=sentence(run.run),
        rounds=plural(len(run.dataset.rounds), "round"),
    )


def _reason(run: RunData, mode: str) -> str | None:
    found = where(run, mode)
    return f"why: {found}" if found else None
