"""The course's questions, answered from a run's proofs: how many copies, and can there be fewer?

Its rule: an answer is measured in this run, or it is not given.
"""

from collections.abc import Iterable

from profiles.store.proof import Proof
from reports.analysis.text import hundredths
from reports.run_data import RunData

CLASSIC, ZERO_COPY = "read-send", "sendfile"
FEWER_THAN_TWO = 1.5  # of what is measured, so that noise does not decide


def classic(run: RunData) -> str:
    """The mode that stands for read() and send(): the course's, or the baseline of a run that does without."""
    return CLASSIC if CLASSIC in run.dataset.modes else run.run.baseline


def best(run: RunData) -> str | None:
    """The mode with the fewest measured copies by the CPU, the first of several; None where nothing was measured."""
    measured = measured_copies(run.dataset.proofs)
    return min(measured, key=lambda mode: round(measured[mode], 1), default=None)


def measured_copies(proofs: Iterable[Proof]) -> dict[str, float]:
    """CPU copies per byte by mode, of those of ours for which they are known; a guest has no model to answer from."""
    ours = (proof for proof in proofs if proof.model_copies is not None)
    return {proof.mode: copies for proof in ours if (copies := proof.measured_copies) is not None}


def how_many(run: RunData, mode: str) -> str | None:
    """How many copies does it make of every byte?"""
    copies = measured_copies(run.dataset.proofs).get(mode)
    if copies is None:
        return None
    devices = by_devices(run, mode)
    into_and_out = ": into the user buffer and out of it" if mode == CLASSIC else ""
    return (
        f"{hundredths(copies)} by the CPU, measured{into_and_out}. With the {devices} that the model leaves to devices "
        f"(disk to memory, memory to network card) that makes {round(copies) + devices}."
    )


def fewer(run: RunData) -> str | None:
    """Can there be fewer than two?"""
    mode = best(run)
    copies = measured_copies(run.dataset.proofs)
    if mode is None or copies[mode] >= FEWER_THAN_TWO:
        return None
    return (
        f"By the CPU, yes: {mode} made {hundredths(copies[mode])} copies of every byte, measured (its model: "
        f"{run.target(mode).cpu_copies}). The {by_devices(run, mode)} by devices remain: the bytes must come "
        f"from the disk once, and go to the card."
    )


def by_devices(run: RunData, mode: str) -> int:
    return sum(copy.by == "dma" for copy in run.target(mode).copies)
