"""A mode's model beside what was measured: which copies happened, which did not, and which the model lacks.

Its rule: evidence is per side, reading or sending (profiles/checks/trial.py), and not per step: the steps of a side
stand or fall together. DMA, and encryption within one location, are not measured and stay the model's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from profiles.store.proof import COPIES_TOLERANCE, Proof
from profiles.store.run_facts import TargetFacts, is_cpu_copy, is_sending
from reports.analysis.text import UNKNOWN, hundredths, number

Agreement = Literal["confirmed", "contradicted", "measured only", "model only"]


@dataclass(frozen=True, slots=True)
class Step:
    """A step that every byte takes. copies: per byte, 1 in the model."""

    source: str
    destination: str
    by: str
    agreement: Agreement
    copies: float = 1.0

    @property
    def in_words(self) -> str:
        """CPU from page cache to user buffer: confirmed"""
        how = self.by if self.by == "encryption" else self.by.upper()
        way = f"from {self.source} to {self.destination}" if self.source != self.destination else f"in {self.source}"
        amount = f", {number(self.copies)} per byte" if self.agreement == "measured only" else ""
        found = "" if self.agreement == "model only" else f": {self.agreement}"
        return f"{how} {way}{amount}{found}"


def steps(target: TargetFacts, proof: Proof | None) -> tuple[Step, ...]:
    """The model's steps in their order, then what was measured beyond them."""
    reading, sending = _excess(target, proof, of_sending=False), _excess(target, proof, of_sending=True)
    found = [*_model_steps(target, reading, sending)]
    if reading is not None and reading >= COPIES_TOLERANCE:
        found.append(Step("page cache", "user buffer", "cpu", "measured only", reading))
    if sending is not None and sending >= COPIES_TOLERANCE:
        sent_from = next((step.source for step in target.copies if is_sending(step)), "page cache")
        source = "user buffer" if reading is not None and reading >= COPIES_TOLERANCE else sent_from
        found.append(Step(source, "socket buffer", "cpu", "measured only", sending))
    return tuple(found)


def _excess(target: TargetFacts, proof: Proof | None, of_sending: bool) -> float | None:
    """Measured CPU copies per byte on this side, less the model's; None where unknown."""
    measured = None if proof is None else proof.sent_copies if of_sending else proof.read_copies
    of_reading = target.cpu_copies_of_reading
    return None if measured is None else measured - (target.cpu_copies - of_reading if of_sending else of_reading)


def _model_steps(target: TargetFacts, reading: float | None, sending: float | None) -> Iterator[Step]:
    for step in target.copies:
        excess = sending if is_sending(step) else reading
        agreement: Agreement = "model only"
        if is_cpu_copy(step) and excess is not None:
            agreement = "contradicted" if excess <= -COPIES_TOLERANCE else "confirmed"
        by_reference = step.destination == "NIC" and step.source != "socket buffer"
        if by_reference and excess is not None and excess >= COPIES_TOLERANCE:  # they went through the socket buffer
            agreement = "contradicted"
        yield Step(step.source, step.destination, step.by, agreement)


def statement(target: TargetFacts, proof: Proof | None) -> str:
    """CPU copies of every byte: 2 in the model, 2.00 measured (1.00 of reading, 1.00 of sending): confirmed.

    An external server has no model: CPU copies of every byte: 2.00 measured from outside (…).
    """
    if target.external is not None:
        return _external(proof)
    model = f"CPU copies of every byte: {target.cpu_copies} in the model"
    if proof is None or proof.measured_copies is None:
        reason = "no proof on record" if proof is None else proof.reason or "the proof did not see them"
        return f"{model}, measured: {UNKNOWN} ({reason})."
    off = any(step.agreement in ("contradicted", "measured only") for step in steps(target, proof))
    why = f", {proof.contradiction}" if off and proof.copied_completions else ""
    found = f"contradicted{why}" if off else "confirmed"
    return f"{model}, {hundredths(proof.measured_copies)} measured ({_sides(proof)}): {found}."


def _external(proof: Proof | None) -> str:
    if proof is None or proof.measured_copies is None:
        reason = "no proof on record" if proof is None else proof.unknown or proof.reason
        return f"CPU copies of every byte: {UNKNOWN} ({reason})."
    return f"CPU copies of every byte: {hundredths(proof.measured_copies)} measured from outside ({_sides(proof)})."


def _sides(proof: Proof) -> str:
    """1.00 of reading, 1.00 of sending"""
    assert proof.read_copies is not None and proof.sent_copies is not None
    return f"{hundredths(proof.read_copies)} of reading, {hundredths(proof.sent_copies)} of sending"
