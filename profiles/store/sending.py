"""How an external server sends, as one sentence with its evidence: what the witness, strace and perf saw of it.

Its rule: nothing is concluded against evidence. Where two disagree, the sentence says which; what nobody saw is named.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

from profiles.store.proof import Proof
from units import format_size

Way = Literal["sendfile", "splice", "io_uring", "mapped", "read", "memory"]
BY_REFERENCE: tuple[Way, ...] = ("sendfile", "splice")
# Functions of the kernel (fs/splice.c, io_uring/io_uring.c, mm/filemap.c, lib/iov_iter.c, net/tls/) and what they tell.
KERNEL_MARKS = {
    "splice_direct_to_actor": "sendfile",
    "do_splice": "splice",
    "io_issue_sqe": "io_uring",
    "filemap_read": "reading into a buffer",
    "filemap_map_pages": "page faults of a mapped file",
    "_copy_from_iter": "copying into the socket",
    "tls_push_record": "encryption by the kernel",
}
_MOST = 0.5  # of the bytes: what was done with more than this is what the server does
_TELLING = 0.02  # of the samples
_CONTRADICTING = 0.1  # of the samples; that none hits a function proves nothing where the server does much else
_SPLICES = ("splice_direct_to_actor", "do_splice")
_READS = ("filemap_read",)
_COPIES = (*_READS, "_copy_from_iter")


def way(proof: Proof) -> Way | None:
    """By the system calls of one download; None where they are unknown, or tell nothing."""
    if proof.calls_per_gib is None or proof.sent_by is None:
        return None
    call, share = next(iter(proof.sent_by.items()), ("", 0.0))
    if share < _MOST:
        return "io_uring" if "io_uring_enter" in proof.calls_per_gib else None
    if call.startswith("sendfile"):
        return "sendfile"
    if call == "splice":
        return "splice"
    if proof.read_copies is None:
        return None
    if proof.read_copies >= _MOST:
        return "read"
    return "mapped" if proof.is_mapped else "memory"


def sentence(proof: Proof) -> str | None:
    """caddy sends by sendfile: 99 % of the bytes by reference (witness), … None for what was not proved, or is ours."""
    if proof.model_copies is not None or proof.refusal or proof.wrong:
        return None
    name = f"{proof.mode} ({proof.software})" if proof.software else proof.mode
    evidence = ", ".join(_evidence(proof)) or "nothing was seen"
    unseen = [proof.unknown, f"what the kernel does for it ({proof.kernel_reason})" if proof.kernel_reason else None]
    unknown = f"; unknown: {'; '.join(filter(None, unseen))}" if any(unseen) else ""
    notes = "".join(f"; {note}" for note in (*proof.notes, *filter(None, [proof.uncounted])))
    return f"{name} {conclusion(proof)}: {evidence}{unknown}{notes}"


def sentences(proofs: Iterable[Proof]) -> tuple[str, ...]:
    """Of those of which there is one."""
    return tuple(said for proof in proofs if (said := sentence(proof)) is not None)


def conclusion(proof: Proof) -> str:
    """What follows from all evidence: sends by sendfile; copies, by pread64 (256 KiB at a time) and writev; …"""
    found, by_reference = way(proof), proof.by_reference_share
    if said := disagreement(proof):
        return f"sends in a way that is unclear, since {said}"
    if found in BY_REFERENCE:
        return f"sends by {found}"
    if found == "read":
        pieces = f" ({format_size(round(proof.read_piece_bytes))} at a time)" if proof.read_piece_bytes else ""
        return f"copies, by {proof.read_by}{pieces} and {_sending(proof)}"
    if found == "mapped":
        return f"copies, from a mapping of the file by {_sending(proof)}"
    if found == "memory":
        return f"copies, from memory of its own by {_sending(proof)}"
    through = " through io_uring" if found == "io_uring" else ""
    if by_reference is None:
        return f"sends{through} in a way that is unknown"
    return f"sends by reference{through}" if by_reference > _MOST else f"copies{through}"


def disagreement(proof: Proof) -> str | None:
    """Which evidence contradicts which; None where none does."""
    found, shares = way(proof), proof.kernel_shares
    if found is None or found == "io_uring":
        return None
    referenced = found in BY_REFERENCE
    if proof.by_reference_share is not None and referenced != (proof.by_reference_share > _MOST):
        saw = "by reference" if not referenced else "as copies"
        return f"the evidence disagrees: {_sending(proof)} by strace, but the bytes of a small file went {saw}"
    splices = any(shares.get(mark) for mark in _SPLICES) if shares else False
    if shares and referenced and not splices and sum(shares.get(mark, 0.0) for mark in _COPIES) >= _CONTRADICTING:
        return f"the evidence disagrees: {_sending(proof)} by strace, but in the kernel perf saw only copies"
    return None


def _sending(proof: Proof) -> str:
    return next(iter(proof.sent_by or ()), "unknown")


def _evidence(proof: Proof) -> Iterator[str]:
    if proof.by_reference_share is not None:
        yield f"{_percent(proof.by_reference_share)} of the bytes by reference (witness)"
    if proof.traced_bytes and proof.read_copies is not None:
        read = format_size(round(proof.read_copies * proof.traced_bytes))
        call = proof.read_by or "read"
        sent = [f"{_percent(share)} sent by {name}()" for name, share in (proof.sent_by or {}).items() if share > 0.01]
        yield f"{' and '.join([f'{read} of {format_size(proof.traced_bytes)} read by {call}()', *sent])} (strace)"
    if proof.kernel_shares is not None:
        shares = {mark: share for mark, share in proof.kernel_shares.items() if share >= _TELLING}
        if any(mark in shares for mark in _SPLICES):
            shares = {mark: share for mark, share in shares.items() if mark not in _READS}  # splice() reads by it, too
        said = [f"{mark} in {_percent(share)}" for mark, share in shares.items()]
        yield f"{' and '.join(said)} of its samples (perf)" if said else "no telling function in its samples (perf)"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
