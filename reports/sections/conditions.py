"""Where it ran, in how many rounds, what ended and what limited it, and the command that repeats it."""

from markupsafe import Markup

from reports.analysis.workload import chosen, sentence
from reports.explanations import limit, machine_line, network_line, rounds_line
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "Setup, and how to repeat it"
ORDER = 60
HALF_WIDTH = True


def render(run: RunData) -> Markup:
    limits = [
        (mode, [limit(answer.dataset, mode) for answer in run.answers if mode in answer.dataset.modes])
        for mode in run.dataset.modes
    ]
    return fragment(
        "conditions.html",
        questions=[(sentence(answer.run), chosen(answer.run), rounds_line(answer)) for answer in run.answers],
        machine=machine_line(run),
        network=network_line(run),
        limits=limits,
        command=run.run.command,
        seed=None if run.interactive else run.run.seed,
    )
