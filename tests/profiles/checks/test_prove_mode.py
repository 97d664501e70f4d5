"""A mode's proof is what it did: modes that lie, break or crash are found out."""

import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from profiles.checks.prove_mode import prove
from profiles.checks.strace import between_marks, count_calls
from profiles.store.proof import Proof
from profiles.store.run_facts import TargetFacts
from profiles.targets.catalog import Target, discover
from servers.mode import Copy
from tests.copied import copy_project
from tests.reports import synthetic

HEAD = """
from servers.mode import Copy, Mode
import errno, os, signal
MODE = Mode(name="{name}", port=8199, summary="a test", copies=(
    Copy("disk", "page cache", "dma"), Copy("page cache", "NIC", "dma")))
"""
ModeOf = Callable[[str, str], Target]


@pytest.fixture
def mode_of(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> ModeOf:
    """Makes a mode out of the body of its send_file, in a copy of the project."""

    def make(name: str, body: str) -> Target:
        tree = tmp_path_factory.mktemp("project")
        copy_project(tree)
        code = HEAD.format(name=name) + "def send_file(sock, fd, offset, count):\n" + textwrap.indent(body, "    ")
        (tree / "servers" / "modes" / f"{name}.py").write_text(code)
        monkeypatch.setattr("profiles.checks.prove_mode.PROJECT", tree)
        return Target(TargetFacts(name, 8199, "a test", synthetic.BY_REFERENCE))

    return make


@pytest.mark.parametrize(
    ("mode", "copies", "by_reference"), [("read-send", 2, 0.0), ("sendfile", 0, 1.0), ("read-whole", 2, 0.0)]
)
def test_the_courses_modes_do_what_they_are_named_after(
    tmp_path: Path, mode: str, copies: int, by_reference: float
) -> None:
    proof = prove(discover()[mode], tmp_path)
    assert (proof.state, proof.reason, proof.model_copies) == ("available", None, copies)
    assert proof.measured_copies == pytest.approx(copies, abs=0.01)
    assert proof.by_reference_share == by_reference
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_a_variant_is_proved_with_its_options_under_its_name(tmp_path: Path) -> None:
    plain, small = (
        prove(discover()["read-send"], tmp_path, options, name)
        for options, name in (({}, ""), ({"chunk": 1 << 16, "buffer-offset": 16}, "read-send@x"))
    )
    assert (plain.mode, small.mode, small.state) == ("read-send", "read-send@x", "available")
    assert plain.calls_per_gib and small.calls_per_gib
    assert small.calls_per_gib["sendto"] == pytest.approx(4 * plain.calls_per_gib["sendto"], rel=0.05)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_system_calls_are_counted_by_name(tmp_path: Path) -> None:
    calls = {mode: prove(discover()[mode], tmp_path).calls_per_gib for mode in ("read-send", "sendfile")}
    assert all(calls.values()), "strace may not trace here"
    assert calls["sendfile"] == pytest.approx({"sendfile": 128}, rel=0.01)
    assert calls["read-send"] and calls["read-send"]["sendto"] == pytest.approx(4224, rel=0.01)


def test_a_mode_that_copies_under_the_name_of_zero_copy_is_found_out(tmp_path: Path, mode_of: ModeOf) -> None:
    proof = prove(mode_of("liar", "sock.sendall(os.pread(fd, count, offset))"), tmp_path)
    assert proof.state == "degraded"
    assert proof.contradiction == proof.reason == "2.00 CPU copies per byte were measured, its model has 0"


def test_wrong_bytes_are_found_out(tmp_path: Path, mode_of: ModeOf) -> None:
    proof = prove(mode_of("wrong", "sock.sendall(bytes(count))"), tmp_path)
    assert proof.state == "degraded" and "wrong bytes arrived" in str(proof.contradiction)


def test_what_the_kernel_refuses_is_missing_with_its_errno(tmp_path: Path, mode_of: ModeOf) -> None:
    proof = prove(mode_of("refused", "raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))"), tmp_path)
    assert proof.state == "missing"
    assert str(proof.reason).startswith("Function not implemented (ENOSYS); this kernel does not have it")


def test_a_crash_is_a_reason_and_not_a_death(tmp_path: Path, mode_of: ModeOf) -> None:
    proof = prove(mode_of("crash", "os.kill(os.getpid(), signal.SIGILL)"), tmp_path)
    assert (proof.state, proof.reason) == ("failed", "its trial was killed by SIGILL; try again")


def test_an_error_that_passes_does_not_make_a_mode_missing(tmp_path: Path, mode_of: ModeOf) -> None:
    proof = prove(mode_of("busy", "raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))"), tmp_path)
    assert (proof.state, proof.reason) == ("failed", "Too many open files; try again")
    assert proof.refusal == "the proof of busy failed: Too many open files; try again"


@pytest.mark.parametrize(
    ("calls", "listed"),
    [
        ({"sendfile": 128.0}, "sendfile 128"),
        ({"futex": 9.0, "poll": 8.0, "close": 7.0, "sendfile": 1.0}, "futex 9, poll 8, sendfile 1, … 1 more"),
        (
            {"a": 9.0, "splice": 8.0, "vmsplice": 8.0, "sendto": 8.0, "write": 1.0},
            "splice 8, vmsplice 8, sendto 8, write 1, … 1 more",
        ),
        ({}, "none"),
    ],
)
def test_a_list_of_calls_says_when_it_is_cut_and_keeps_those_that_send(calls: dict[str, float], listed: str) -> None:
    assert Proof("x", "available", 0, calls_per_gib=calls).list_calls(3, "{:.0f}".format) == listed


def test_completions_that_say_copied_contradict_the_name() -> None:
    proof = Proof("zerocopy", "available", 0, 0.0, 0.0, completions=1024, copied_completions=1024)
    assert proof.measured_copies == 1
    assert proof.contradiction == "the kernel copied 1,024 of 1,024 sends after all"


def test_as_many_copies_at_another_place_are_another_path() -> None:
    proof = Proof("mode", "available", 1, 1.0, 1.0, model_read_copies=0)
    assert proof.measured_copies == 1
    assert proof.contradiction == (
        "1.00 CPU copies per byte of reading and 0.00 of sending were measured, its model has 0 and 1"
    )
    assert Proof("mode", "available", 1, 0.0, 0.0, model_read_copies=0).contradiction is None
    assert Proof("of an older record", "available", 1, 1.0, 1.0).contradiction is None


def test_encrypting_on_the_way_is_a_copy_and_encrypting_within_a_place_is_none() -> None:
    """read + TLS in user space copies as read + send does; kernel TLS copies where it encrypts."""
    to_user, to_socket = Copy("page cache", "user buffer", "cpu"), Copy("user buffer", "socket buffer", "cpu")
    in_user_space = TargetFacts("tls", 1, "", (to_user, Copy("user buffer", "user buffer", "encryption"), to_socket))
    in_the_kernel = TargetFacts("ktls", 2, "", (Copy("page cache", "socket buffer", "encryption"),))
    assert (in_user_space.cpu_copies, in_user_space.cpu_copies_of_reading) == (2, 1)
    assert (in_the_kernel.cpu_copies, in_the_kernel.cpu_copies_of_reading) == (1, 0)


def test_what_is_unknown_contradicts_nothing() -> None:
    assert Proof("mode", "available", 0).measured_copies is None
    assert Proof("mode", "available", 0).contradiction is None


def test_only_the_calls_between_the_marks_are_counted() -> None:
    thread = [
        'openat(AT_FDCWD, "x") = 3',
        'access("/zero-copy-bench/begin", F_OK) = -1 ENOENT',
        'sendto(4<TCP:[1]>, ""..., 5, 0, NULL, 0) = 5',
        'sendto(4<TCP:[1]>, ""..., 5, 0, NULL, 0) = 5',
        'access("/zero-copy-bench/end", F_OK) = -1 ENOENT',
        "close(3) = 0",
    ]
    marked = between_marks(thread)
    assert marked and count_calls(marked).counted == {"sendto": 2}
    assert between_marks(["close(3) = 0"]) is None


def test_a_relative_folder_is_the_one_of_whoever_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial runs in the project's folder."""
    monkeypatch.chdir(tmp_path.parent)
    assert prove(discover()["read-send"], Path(tmp_path.name)).state == "available"
