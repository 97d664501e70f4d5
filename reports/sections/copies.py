"""The course's picture of the copies, for every mode of the run."""

from markupsafe import Markup

from reports.data import RunData
from reports.picture import picture, summary
from reports.rendering import fragment

TITLE = "The copies of every byte"
ORDER = 110


def render(run: RunData) -> Markup:
    targets = [run.target(mode) for mode in run.measured.modes]
    cards = [
        (target, summary(target), picture(f"copies-{index}", target))
        for index, target in enumerate(targets)
        if target.copies
    ]
    return fragment("copies.html", cards=cards, missing=[target.name for target in targets if not target.copies])
