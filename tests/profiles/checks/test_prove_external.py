"""What is seen of an external server: its bytes, whether they go by reference, what it reads, its calls."""

import os
import shutil
from pathlib import Path

import pytest

from profiles.checks.prove_mode import prove
from profiles.checks.strace import count_calls
from profiles.store.proof import Proof
from profiles.store.sending import disagreement, sentence, way
from tests.profiles.targets.external_servers import external, from_table

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@needs_strace
@pytest.mark.parametrize("how", ["workers", "hands-over"])
def test_a_server_that_reads_and_sends_copies_twice(served: Path, how: str) -> None:
    """Also where a process serves that was started when it was ready already."""
    proof = prove(external(served, how), served)
    if proof.calls_reason and "may not trace" in proof.calls_reason:
        pytest.skip(proof.calls_reason)
    assert (proof.state, proof.reason, proof.unknown, proof.by_reference_share) == ("available", None, None, 0.0)
    assert proof.measured_copies == pytest.approx(2, abs=0.01)
    assert proof.contradiction is None and proof.model_copies is None
    assert proof.calls_per_gib and proof.calls_per_gib["sendto"] > 0


@pytest.mark.parametrize(
    ("first", "says"), [("", "saw none of its calls"), ("trap '' TERM", "did not end within 2 s of being asked to")]
)
def test_what_strace_did_not_see_is_unknown_and_not_nothing(
    served: Path, monkeypatch: pytest.MonkeyPatch, first: str, says: str
) -> None:
    """A stand-in for strace, which attaches and writes nothing."""
    strace = served / "bin" / "strace"
    strace.parent.mkdir()
    strace.write_text(f"#!/bin/sh\n{first}\necho 'Process 1 attached' >&2\nexec sleep 60\n")
    strace.chmod(0o755)
    monkeypatch.setenv("PATH", f"{strace.parent}:{os.environ['PATH']}")
    monkeypatch.setattr("profiles.checks.strace.ATTACH_TIMEOUT_S", 2.0)
    proof = prove(external(served), served)
    assert proof.state == "available" and says in str(proof.calls_reason) and says in str(proof.unknown)
    assert proof.calls_per_gib is None and proof.read_copies is None


@pytest.mark.parametrize("how", ["short", "flipped"])
def test_wrong_bytes_contradict_any_name(served: Path, how: str) -> None:
    proof = prove(external(served, how), served)
    assert proof.state == "degraded"
    assert proof.contradiction and "wrong bytes arrived in all" in proof.contradiction


def test_a_file_of_its_own_is_held_against_its_own_digest(served: Path) -> None:
    (served / "nine").write_bytes(b"123456789")
    digest = "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
    proof = prove(external(served, path="/nine", size=9, sha256=digest), served)
    assert proof.state == "available"
    assert proof.by_reference_share is None and "not ours to change" in str(proof.unknown)
    wrong = prove(external(served, path="/nine", size=9, sha256="a" * 64), served)
    assert wrong.contradiction and "wrong bytes" in wrong.contradiction


@needs_strace
@pytest.mark.parametrize(
    ("how", "found", "says"),
    [
        ("sendfile", "sendfile", "sends by sendfile: 100 % of the bytes by reference (witness), 0 B of 2.9 MiB read"),
        ("workers", "read", ") and sendto: 0 % of the bytes by reference"),
        ("maps", "mapped", "copies, from a mapping of the file by sendto"),
        ("keeps", "memory", "copies, from memory of its own by sendto"),
    ],
)
def test_how_it_sends_is_told_apart(served: Path, how: str, found: str, says: str) -> None:
    proof = prove(external(served, how), served)
    if proof.calls_reason and "may not trace" in proof.calls_reason:
        pytest.skip(proof.calls_reason)
    assert (way(proof), disagreement(proof)) == (found, None), proof
    assert says in str(sentence(proof))
    assert ("it keeps files in memory" in str(sentence(proof))) == (how == "keeps")


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("redirects", "it redirects to /other.bin: give the path that it redirects to"),
        ("compresses", "it sends Content-Encoding: gzip: have it send the file as it is"),
        ("no-length", "its answer has no Content-Length"),
        ("page", "it sends a page ('Index of /files') and not the file: correct path"),
        ("leaves", "exit code 0; its command has to run, or leave a process running"),
    ],
)
def test_what_is_no_file_is_said_as_what_it_is(served: Path, how: str, says: str) -> None:
    proof = prove(external(served, how), served)
    assert proof.state == "missing" and says in str(proof.reason)


@needs_strace
@pytest.mark.parametrize(("how", "lost"), [(("forks", "no-wait"), True), (("forks",), False), (("no-wait",), False)])
def test_one_whose_processes_end_uncounted_is_found(served: Path, how: tuple[str, ...], lost: bool) -> None:
    proof = prove(external(served, *how), served)
    assert proof.state == "available"
    assert ("ignores SIGCHLD, so that the kernel drops their CPU time" in str(sentence(proof))) == lost, proof


def test_one_that_sends_for_ever_is_given_up(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profiles.checks.prove_external.DOWNLOAD_TIMEOUT_S", 0.3)
    proof = prove(external(served, "drips"), served)
    assert proof.state == "missing" and "bytes came within 0.3 s" in str(proof.reason)


def test_one_that_listens_elsewhere_is_told_where(served: Path) -> None:
    proof = prove(external(served, "elsewhere", ready_within_s=1.0), served)
    assert proof.state == "missing" and "instead: put {port} where its port stands" in str(proof.reason)
    assert "it listens on port" in str(proof.reason)


def test_a_proxy_is_named(served: Path) -> None:
    proof = prove(external(served, "proxy"), served)
    assert "a proxy answers (Via: 1.1 varnish), and this is what it does with the bytes" in str(sentence(proof))


@needs_strace
def test_a_proxy_that_names_itself_nowhere_is_seen_by_where_its_bytes_come_from(served: Path) -> None:
    proof = prove(external(served, "forwards"), served)
    if proof.calls_reason and "may not trace" in proof.calls_reason:
        pytest.skip(proof.calls_reason)
    assert "a proxy answers: 100% of the bytes came to it through a socket (strace)" in str(sentence(proof))


@needs_strace
@pytest.mark.parametrize(("how", "found"), [("sendfile", "sendfile"), ("workers", "read")])
def test_an_answer_in_chunks_is_proved_and_named(served: Path, how: str, found: str) -> None:
    proof = prove(external(served, "chunked", how), served)
    if proof.calls_reason and "may not trace" in proof.calls_reason:
        pytest.skip(proof.calls_reason)
    assert (proof.state, way(proof), disagreement(proof)) == ("available", found, None), proof
    assert proof.by_reference_share == pytest.approx(1.0 if found == "sendfile" else 0.0)
    assert "its answer is chunked (RFC 9112 section 7.1)" in str(sentence(proof))


@pytest.mark.parametrize("how", ["dies", "404"])
def test_one_that_cannot_run_is_missing_for_a_reason(served: Path, how: str) -> None:
    proof = prove(external(served, how), served)
    assert proof.state == "missing" and proof.reason and "\n" not in proof.reason


def test_without_a_file_to_send_it_is_missing(tmp_path: Path) -> None:
    assert "`make test-file` makes the test file" in str(prove(external(tmp_path), tmp_path).reason)


def test_a_program_that_is_not_installed_is_missing(served: Path) -> None:
    target = from_table(served, "external", {"command": "no-such-server", "address": "127.0.0.1:8399"})
    assert "no-such-server cannot be run" in str(prove(target, served).reason)


def test_calls_are_counted_and_only_what_was_read_of_the_file_is_a_copy() -> None:
    found = count_calls(
        [
            'pread64(9</data/test-file.bin>, ""..., 65536, 0) = 65536',
            'preadv(9</data/test-file.bin>, [{iov_base=""..., iov_len=8}], 1, 65536) = 8',
            'read(5</etc/mime.types>, ""..., 4096) = 4096',
            'read(7<socket:[123]>, ""..., 99999999) = 99999999',
            "sendfile(8<TCP:[1]>, 9</data/test-file.bin>, [0] => [4], 4) = 4",
            "splice(8<socket:[2]>, NULL, 9<pipe:[3]>, NULL, 16, 0) = 16",
            "splice(9<pipe:[3]>, NULL, 8<socket:[2]>, NULL, 16, 0) = 16",
            "epoll_wait(3<anon_inode:[eventpoll]>, ",
            "--- SIGINT ---",
        ]
    )
    assert found.counted == {"pread64": 1, "preadv": 1, "read": 2, "sendfile": 1, "splice": 2, "epoll_wait": 1}
    assert (found.read_bytes, found.received_bytes) == (65544, 99999999 + 16)
    assert found.sent == {"splice": 16}
    assert found.pieces == {"pread64": 1, "preadv": 1}


def test_a_thread_is_no_process() -> None:
    thread = "clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM}, 88) = 7"
    process = "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD) = 8"
    assert [count_calls(lines).forked for lines in ([thread], [thread, process])] == [False, True]


def test_what_is_unknown_is_no_contradiction() -> None:
    assert Proof("external", "available", None, 1.0, 0.0).contradiction is None
