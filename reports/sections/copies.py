"""A diagram of the copies that each mode makes: the course's model, and what was measured."""

from markupsafe import Markup

from reports.analysis.copies import statement
from reports.charts.data_path import picture, summary
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "Copies of every byte"
ORDER = 110
HINT = "disk, page cache, user buffer, socket buffer, network card: a diagram per mode"


def render(run: RunData) -> Markup:
    targets = [run.target(mode) for mode in run.dataset.modes]
    cards = [
        (target, summary(target), statement(target, proof), picture(f"copies-{index}", target, proof))
        for index, target in enumerate(targets)
        for proof in [run.proof(target.name)]
        if target.copies
    ]
    return fragment("copies.html", cards=cards, missing=[target.name for target in targets if not target.copies])
