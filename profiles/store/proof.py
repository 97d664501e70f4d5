"""What a mode really did, as the prove pass saw it (profiles/checks/prove_mode.py). None is "unknown"."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from profiles.store.run_facts import Amount, Count, Number

COPIES_TOLERANCE = 0.1  # CPU copies per byte
# The system calls that bring bytes into a socket, or have a ring do so.
SENDING = frozenset(
    ("sendfile", "sendfile64", "sendto", "sendmsg", "sendmmsg", "write", "writev", "splice", "vmsplice", "tee")
).union(("io_uring_enter", "io_submit"))
State = Literal["available", "degraded", "missing", "failed"]


@dataclass(frozen=True, slots=True)
class Proof:
    """What was seen of one target, beside what its model draws."""

    mode: str  # name of the target
    state: State  # whether it ran, ran otherwise than named, cannot run here, or was not tried to the end
    model_copies: int | None  # CPU copies per byte in its model; None for an external server, which has no model
    read_copies: Number | None = None  # CPU copies per byte of reading, measured
    by_reference_share: Number | None = None  # of the bytes sent, 0 to 1, what reached the socket by reference
    completions: Count | None = None  # MSG_ZEROCOPY sends that the kernel reported on
    copied_completions: Count | None = None  # how many of those the kernel copied after all
    calls_per_gib: dict[str, Amount] | None = None  # system calls per GiB, by name
    calls_reason: str | None = None  # why the system calls are unknown
    reason: str | None = None  # why it is not available
    wrong: tuple[str, ...] = ()  # ranges of the file (offset+count, bytes) that arrived wrong, by their digest
    model_read_copies: Count | None = None  # of model_copies, those before the bytes are sent
    unknown: str | None = None  # what could not be seen of an external server, and why
    software: str | None = None  # what an external server calls itself (its Server header), like nginx/1.22.1
    traced_bytes: int | None = None  # of the download of an external server that strace watched
    read_by: str | None = None  # the system call that read most of it from the file; None: none did, or unknown
    read_piece_bytes: Number | None = None  # how much of it such a call gets, on average
    sent_by: dict[str, float] | None = None  # shares of it by the system call that brought them into the socket
    is_mapped: bool | None = None  # whether its file was mapped into memory meanwhile
    kernel_shares: dict[str, float] | None = None  # of perf's samples, those below a telling function of the kernel
    kernel_reason: str | None = None  # why those are unknown
    keeps_alive: bool | None = None  # whether an external server keeps a connection for the next request
    logs: bool | None = None  # whether it wrote to a file, as to a log, while strace watched
    uncounted: str | None = None  # why its CPU time is lost, and so its cost is not what is measured
    notes: tuple[str, ...] = ()  # what else an external server's answers say of it

    @property
    def refusal(self) -> str | None:
        """Why it cannot be measured, as a sentence; None where it can."""
        if self.state == "failed":
            return f"the proof of {self.mode} failed: {self.reason}"
        return f"{self.mode} is missing on this machine: {self.reason}" if self.state == "missing" else None

    @property
    def sent_copies(self) -> float | None:
        """CPU copies per byte of sending, 0 to 1: the larger of what the witness saw and the kernel reported."""
        if self.by_reference_share is None:
            return None
        copied = self.copied_completions / self.completions if self.completions and self.copied_completions else 0.0
        return max(1 - self.by_reference_share, copied)

    @property
    def measured_copies(self) -> float | None:
        """CPU copies per byte, of reading and sending together."""
        if self.read_copies is None or self.sent_copies is None:
            return None
        return self.read_copies + self.sent_copies

    def list_calls(self, most: int, number: Callable[[float], str]) -> str:
        """The most frequent system calls per GiB, so many or more: those that send are always among them.

        "sendfile 128, futex 64, … 3 more"; number: how a count is written.
        """
        calls = self.calls_per_gib or {}
        others = [name for name in calls if name not in SENDING]
        cut = others[max(0, most - (len(calls) - len(others))) :]
        shown = [f"{name} {number(count)}" for name, count in calls.items() if name not in cut]
        return ", ".join([*shown, *([f"… {len(cut)} more"] if cut else [])]) or "none"

    @property
    def contradiction(self) -> str | None:
        """Why the mode did not do what its name says; None when it did, or when that is unknown."""
        if self.wrong:
            return f"wrong bytes arrived in {', '.join(self.wrong)}"
        measured = self.measured_copies
        if measured is None or self.model_copies is None:
            return None
        if abs(measured - self.model_copies) < COPIES_TOLERANCE:
            return self._copied_elsewhere()
        if self.completions and self.copied_completions:
            return f"the kernel copied {self.copied_completions:,} of {self.completions:,} sends after all"
        return f"{measured:.2f} CPU copies per byte were measured, its model has {self.model_copies}"

    def _copied_elsewhere(self) -> str | None:
        """As many copies as in the model, but in reading where the model has them in sending, or the reverse."""
        model, measured = self.model_read_copies, self.read_copies
        if self.model_copies is None or model is None or measured is None or abs(measured - model) < COPIES_TOLERANCE:
            return None
        return (
            f"{measured:.2f} CPU copies per byte of reading and {self.sent_copies:.2f} of sending were measured, its "
            f"model has {model} and {self.model_copies - model}"
        )
