"""What each mode really did, beside what its model says; and the course's two questions, answered from it."""

from markupsafe import Markup

from profiles.records import Proof
from reports.data import RunData
from reports.rendering import fragment
from reports.text import UNKNOWN, number

TITLE = "What each mode really did"
ORDER = 105
HINT = "copies that were counted, system calls, and the course's two questions"
MOST_CALLS = 4
FEWER_THAN_TWO = 1.5  # of what is measured, so that noise does not decide


def render(run: RunData) -> Markup:
    proofs = [proof for proof in run.measured.proofs if proof.state != "missing"]
    if not proofs:
        return Markup("")
    rows = [(proof, _copies(proof), _witness(proof), _completions(proof), _calls(proof)) for proof in proofs]
    return fragment("proof.html", rows=rows, skipped=run.run.skipped, answers=_answers(run, proofs))


def _copies(proof: Proof) -> str:
    return UNKNOWN if proof.measured_copies is None else f"{proof.measured_copies:.2f}"


def _witness(proof: Proof) -> str:
    share = proof.by_reference_share
    if share is None:
        return UNKNOWN
    return "by reference" if share == 1 else "copied" if share == 0 else f"{100 * share:.3g} % by reference"


def _completions(proof: Proof) -> str:
    if proof.completions is None:
        return "none to collect"
    return f"{proof.copied_completions:,} of {proof.completions:,} copied after all"


def _calls(proof: Proof) -> str:
    if proof.calls_per_gib is None:
        return f"{UNKNOWN}: {proof.calls_reason}"
    most = list(proof.calls_per_gib.items())[:MOST_CALLS]
    return ", ".join(f"{name} {number(count)}" for name, count in most) or "none"


def _answers(run: RunData, proofs: list[Proof]) -> list[tuple[str, str]]:
    """The two questions of the course: how many copies does read + send make, and can there be fewer than two?"""
    measured = {proof.mode: copies for proof in proofs if (copies := proof.measured_copies) is not None}
    answers = []
    if "read-send" in measured:
        by_devices = _by_devices(run, "read-send")
        answer = (
            f"{measured['read-send']:.2f} by the CPU, measured: into the user buffer and out of it. With the "
            f"{by_devices} that the model leaves to devices (disk to memory, memory to network card) that makes "
            f"{round(measured['read-send']) + by_devices}."
        )
        answers.append(("How many copies does read() + send() make of every byte?", answer))
    best = min(measured, key=lambda mode: measured[mode], default=None)
    if best is not None and measured[best] < FEWER_THAN_TWO:
        answer = (
            f"By the CPU, yes: {best} made {measured[best]:.2f} copies of every byte, measured (its model: "
            f"{run.target(best).cpu_copies}). The {_by_devices(run, best)} by devices remain: the bytes must come "
            f"from the disk once, and go to the card."
        )
        answers.append(("Can there be fewer than two?", answer))
    return answers


def _by_devices(run: RunData, mode: str) -> int:
    return sum(copy.by == "dma" for copy in run.target(mode).copies)
