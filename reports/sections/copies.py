"""The course's picture of the copies, for every mode of the run: the model, and what was measured of it."""

from markupsafe import Markup

from profiles.store.run_facts import TargetFacts
from reports.analysis.copies import statement
from reports.charts.data_path import picture, summary
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "The copies of every byte"
ORDER = 110
HINT = "disk, page cache, user buffer, socket buffer, card: a picture of every path"


def render(run: RunData) -> Markup:
    targets = [run.target(mode) for mode in run.dataset.modes]
    cards = [
        (target, summary(target), statement(target, run.proof(target.name)), _picture(run, target, index))
        for index, target in enumerate(targets)
        if target.copies
    ]
    return fragment("copies.html", cards=cards, missing=[target.name for target in targets if not target.copies])


def _picture(run: RunData, target: TargetFacts, index: int) -> Markup:
    return picture(f"copies-{index}", target, run.proof(target.name))
