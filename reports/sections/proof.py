"""What each mode really did, beside its model; and answers to the course's two questions."""

from markupsafe import Markup

from profiles.store.proof import Proof
from profiles.store.sending import sentences
from reports.analysis.text import UNKNOWN, hundredths, number
from reports.run_data import RunData
from reports.students.course import CLASSIC, fewer, how_many
from reports.templating import fragment

TITLE = "What each mode really did"
ORDER = 105
HINT = "measured copies, system calls, and the course's two questions"
MOST_CALLS = 4


def render(run: RunData) -> Markup:
    proofs = [proof for proof in run.dataset.proofs if proof.refusal is None]
    if not proofs:
        return Markup("")
    rows = [(proof, _copies(proof), _witness(proof), _completions(proof), _calls(proof)) for proof in proofs]
    return fragment(
        "proof.html",
        rows=rows,
        skipped=run.run.skipped,
        answers=_answers(run),
        sentences=[*sentences(proofs), *run.worth],
    )


def _copies(proof: Proof) -> str:
    return UNKNOWN if proof.measured_copies is None else hundredths(proof.measured_copies)


def _witness(proof: Proof) -> str:
    share = proof.by_reference_share
    if share is None:
        return UNKNOWN
    return "by reference" if share == 1 else "copied" if share == 0 else f"{100 * share:.3g} % by reference"


def _completions(proof: Proof) -> str:
    if proof.completions is None:
        return "none to collect" if proof.model_copies is not None else f"{UNKNOWN} (a server of your own)"
    return f"{proof.copied_completions:,} of {proof.completions:,} were copied after all"


def _calls(proof: Proof) -> str:
    if proof.calls_per_gib is None:
        return f"{UNKNOWN}: {proof.calls_reason}"
    return proof.list_calls(MOST_CALLS, number)


def _answers(run: RunData) -> list[tuple[str, str]]:
    """The course's two questions (reports/students/course.py), where they can be answered."""
    answers = (
        ("How many copies does read() + send() make of every byte?", how_many(run, CLASSIC)),
        ("Can there be fewer than two?", fewer(run)),
    )
    return [(question, answer) for question, answer in answers if answer is not None]
