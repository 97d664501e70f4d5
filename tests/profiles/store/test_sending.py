"""How a server sends, as one sentence: what follows from the evidence, where it disagrees, and what is missing."""

from dataclasses import replace

import pytest

from profiles.store.proof import Proof
from profiles.store.sending import disagreement, sentence, way
from units import MIB

SENDFILE = Proof(
    "caddy", "available", None, 0.0, 0.99, calls_per_gib={"sendfile": 512.0, "read": 128.0}, software="Caddy",
    traced_bytes=8 * MIB, read_by=None, sent_by={"sendfile": 1.0, "write": 0.0001}, is_mapped=False,
    kernel_shares={"splice_direct_to_actor": 0.71, "filemap_read": 0.3, "io_issue_sqe": 0.0},
)  # fmt: skip
READ = replace(
    SENDFILE, mode="nginx", software=None, read_copies=1.0, by_reference_share=0.0, read_by="pread64",
    read_piece_bytes=262144, sent_by={"writev": 1.0},
    kernel_shares={"filemap_read": 0.4, "splice_direct_to_actor": 0.0},
)  # fmt: skip


def test_the_sentence_names_the_way_and_all_evidence() -> None:
    assert sentence(SENDFILE) == (
        "caddy (Caddy) sends by sendfile: 99 % of the bytes by reference (witness), 0 B of 8 MiB read by read() and "
        "100 % sent by sendfile() (strace), splice_direct_to_actor in 71 % of its samples (perf)"
    )
    assert sentence(READ) == (
        "nginx copies, by pread64 (256 KiB at a time) and writev: 0 % of the bytes by reference (witness), 8 MiB of "
        "8 MiB read by pread64() and 100 % sent by writev() (strace), filemap_read in 40 % of its samples (perf)"
    )


@pytest.mark.parametrize(
    ("proof", "found", "says"),
    [
        (replace(READ, sent_by={"splice": 1.0}, by_reference_share=1.0, kernel_shares=None), "splice", "by splice"),
        (replace(READ, read_copies=0.0, is_mapped=True), "mapped", "copies, from a mapping of the file by writev"),
        (replace(READ, read_copies=0.0), "memory", "copies, from memory of its own by writev"),
        (replace(READ, read_copies=None, unknown="how it reads (io_uring)"), None,
         "filemap_read in 40 % of its samples (perf); unknown: how it reads"),
        (replace(READ, read_copies=None, calls_per_gib={"io_uring_enter": 9.0}, sent_by={}), "io_uring",
         "copies through io_uring"),
        (replace(SENDFILE, read_copies=None, calls_per_gib={"io_uring_enter": 9.0}, sent_by={}), "io_uring",
         "sends by reference through io_uring"),
        (replace(SENDFILE, calls_per_gib=None, sent_by=None, read_copies=None), None, "caddy (Caddy) sends by ref"),
        (replace(SENDFILE, kernel_shares={"filemap_read": 0.0}), "sendfile", "no telling function in its samples"),
        (Proof("x", "available", None, unknown="all of it"), None,
         "x sends in a way that is unknown: nothing was seen; unknown: all of it"),
    ],
)  # fmt: skip
def test_ways_are_told_apart(proof: Proof, found: str | None, says: str) -> None:
    assert way(proof) == found and disagreement(proof) is None
    assert says in str(sentence(proof))


@pytest.mark.parametrize(
    ("proof", "says"),
    [
        (replace(SENDFILE, by_reference_share=0.0), "sendfile by strace, but the bytes of a small file went as copies"),
        (replace(READ, by_reference_share=1.0), "writev by strace, but the bytes of a small file went by reference"),
        (replace(SENDFILE, kernel_shares={"filemap_read": 0.5}), "but in the kernel perf saw only copies"),
    ],
)
def test_evidence_that_disagrees_is_said_and_nothing_is_concluded(proof: Proof, says: str) -> None:
    assert "in a way that is unclear, since the evidence disagrees" in str(sentence(proof))
    assert says in str(sentence(proof))


def test_a_wrong_or_missing_server_has_no_sentence_nor_has_a_mode_of_ours() -> None:
    for proof in (
        replace(SENDFILE, model_copies=0),
        replace(SENDFILE, state="missing", reason="gone"),
        replace(SENDFILE, state="degraded", wrong=("all",)),
    ):
        assert sentence(proof) is None


def test_notes_stand_at_the_end() -> None:
    assert str(sentence(replace(READ, notes=("a proxy answers (Via: 1.1 v)",)))).endswith(
        "; a proxy answers (Via: 1.1 v)"
    )
