"""The course's questions, answered from a run's proofs: how many copies, and can there be fewer?

Its rule: what was not measured in this run is not answered.
"""

from collections.abc import Iterable

from profiles.store.proof import Proof
from reports.analysis.text import hundredths
from reports.run_data import RunData

CLASSIC, ZERO_COPY = "read-send", "sendfile"
FEWER_THAN_TWO = 1.5  # measured copies; half a copy of margin for noise


def classic(run: RunData) -> str:
    """The mode that uses read() and send(): the course's, or else the baseline."""
    return CLASSIC if CLASSIC in run.dataset.modes else run.run.baseline


def best(run: RunData) -> str | None:
    """The mode with the fewest measured CPU copies, the first of several; None if nothing was measured."""
    measured = measured_copies(run.dataset.proofs)
    return min(measured, key=lambda mode: round(measured[mode], 1), default=None)


def measured_copies(proofs: Iterable[Proof]) -> dict[str, float]:
    """CPU copies per byte of our modes; an external server has no model."""
    ours = (proof for proof in proofs if proof.model_copies is not None)
    return {proof.mode: copies for proof in ours if (copies := proof.measured_copies) is not None}


def how_many(run: RunData, mode: str) -> str | None:
    """How many copies does the mode make of every byte? None if not measured."""
    copies = measured_copies(run.dataset.proofs).get(mode)
    if copies is None:
        return None
    devices = by_devices(run, mode)
    into_and_out = ": into the user buffer and out of it" if mode == CLASSIC else ""
    return (
        f"{hundredths(copies)} by the CPU, measured{into_and_out}. Together with {devices} by devices in the model "
        f"(disk to memory, memory to network card) that makes {round(copies) + devices}."
    )


def fewer(run: RunData) -> str | None:
    """Can there be fewer than two? None if no mode made fewer."""
    mode = best(run)
    copies = measured_copies(run.dataset.proofs)
    if mode is None or copies[mode] >= FEWER_THAN_TWO:
        return None
    return (
        f"By the CPU, yes: {mode} made {hundredths(copies[mode])} copies of every byte, measured (its model: "
        f"{run.target(mode).cpu_copies}). The {by_devices(run, mode)} by devices remain: the bytes have to come "
        f"from the disk and go to the network card."
    )


def by_devices(run: RunData, mode: str) -> int:
    return sum(copy.by == "dma" for copy in run.target(mode).copies)
