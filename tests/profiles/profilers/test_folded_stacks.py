"""Samples become stacks that read from the Python line down to the kernel's copy."""

import io
from collections import Counter
from pathlib import Path

import pytest

from profiles.profilers import folded_stacks
from tests.conftest import PROJECT

SCRIPT = """\
python 15368/15396 12153.821501:
\tffffffff81b6a0b0 _copy_to_iter ([kernel.kallsyms])
\tffffffff816b6dc9 do_preadv ([kernel.kallsyms])
\t           fe111 preadv64v2 (/usr/lib/x86_64-linux-gnu/libc.so.6)
\t          2c3955 os_preadv (/opt/python/lib/libpython3.11.so.1.0)
\t          1a74a5 cfunction_vectorcall_FASTCALL (/opt/python/lib/libpython3.11.so.1.0)
\t           fd9c2 _PyEval_EvalFrameDefault (/opt/python/lib/libpython3.11.so.1.0)
\t           891f4 start_thread (/usr/lib/x86_64-linux-gnu/libc.so.6)

python 15368/15397 12153.829064:
\t           fd9c2 _PyEval_EvalFrameDefault (/opt/python/lib/libpython3.11.so.1.0)

iou-wrk-15368 15368/15398 12153.9:
\tffffffff81b6a0b1 splice_to_pipe ([kernel.kallsyms])
\tffffffff81b6a0b2 ret_from_fork ([kernel.kallsyms])

python 15368/15396 12154.1:
\t    7f0000000010 [unknown] (/usr/lib/libcrypto.so.3)
\t    7f0000000020 [unknown] (/usr/lib/libcrypto.so.3)
\t          2c3956 _ssl__SSLSocket_write (/opt/python/lib-dynload/_ssl.so)
"""
READ, SEND = "send_file (servers/modes/read_send.py:40)", "send_file (servers/modes/read_send.py:43)"
LINES = {READ: "got = os.preadv(fd, whole, offset)", SEND: "sock.sendall(buffer if got else buffer[:got])"}
SAMPLED: Counter[folded_stacks.Stack] = Counter(
    {("_connection (server.py:1)", READ): 30, ("_connection (server.py:1)", SEND): 70}
)


def samples() -> list[folded_stacks.Stack]:
    return list(folded_stacks.read_perf(io.StringIO(SCRIPT), PROJECT))


def test_samples_are_read_root_first_and_say_where_they_are() -> None:
    first, _, worker, encrypting = samples()
    assert first[0] == "start_thread"
    assert first[-2:] == ("do_preadv_[k]", "_copy_to_iter_[k]")
    assert worker == ("ret_from_fork_[k]", "splice_to_pipe_[k]")
    assert encrypting == ("_ssl__SSLSocket_write", "[libcrypto.so.3]", "[libcrypto.so.3]")


@pytest.mark.parametrize("characters", [1, 7, 64])
def test_a_sample_may_be_read_in_pieces(monkeypatch: pytest.MonkeyPatch, characters: int) -> None:
    whole = samples()
    monkeypatch.setattr(folded_stacks, "PIECE_CHARACTERS", characters)
    assert samples() == whole and len(whole) == 4


def test_nothing_sampled_gives_no_stack() -> None:
    assert list(folded_stacks.read_perf(io.StringIO(""), PROJECT)) == []
    assert list(folded_stacks.read_perf(io.StringIO("python 1/1 2.0:\n\npython 1/1 3.0:\n\n"), PROJECT)) == []


def test_the_interpreters_machinery_is_left_out_unless_it_is_what_ran() -> None:
    found = [folded_stacks.without_machinery(stack) for stack in samples()]
    assert found[0] == ("os_preadv", "preadv64v2", "do_preadv_[k]", "_copy_to_iter_[k]")
    assert found[1] == ("_PyEval_EvalFrameDefault",)
    assert found[3] == ("_ssl__SSLSocket_write", "[libcrypto.so.3]")  # a library without symbols is one frame


def test_a_call_is_joined_with_the_sampled_line_that_makes_it() -> None:
    folded = folded_stacks.joined(folded_stacks.counted(samples()), SAMPLED, lambda frame: LINES.get(frame, ""))
    python = ("_connection (server.py:1)_[p]", READ + "_[p]")
    assert folded[(*python, "os_preadv", "preadv64v2", "do_preadv_[k]", "_copy_to_iter_[k]")] == 1
    assert folded[(folded_stacks.UNKNOWN_LINE, "_PyEval_EvalFrameDefault")] == 1
    assert folded[("ret_from_fork_[k]", "splice_to_pipe_[k]")] == 1  # a kernel thread has no line of Python
    assert sum(folded.values()) == len(samples())


def test_nothing_is_joined_to_a_server_that_is_no_python() -> None:
    stack = ("ngx_linux_sendfile", "do_splice_direct_[k]")
    assert folded_stacks.joined({stack: 3}, {}, lambda _: "") == {stack: 3}


def test_a_call_by_another_name_for_the_function_is_joined_too() -> None:
    """socket.sendfile() says os_sendfile = os.sendfile first."""
    line = "socket._sendfile_use_sendfile (socket.py:388)"
    folded = folded_stacks.joined(
        {("os_sendfile",): 1}, {(line,): 7}, lambda _: "sent = os_sendfile(sockno, fileno, offset)"
    )
    assert folded == {(line + "_[p]", "os_sendfile"): 1}


def test_the_trampolines_frames_are_python_and_stay_as_they_are() -> None:
    script = f"""\
python 1/1 1.0:
\t 10 __send (/usr/lib/libc.so.6)
\t 11 sock_sendall (/opt/python/libpython3.12.so)
\t 12 py::send_file:{PROJECT}/servers/modes/read_send.py (/tmp/perf-1.map)
\t 13 py_trampoline_evaluator (/opt/python/libpython3.12.so)
\t 14 py::Thread.run:/opt/python/lib/python3.12/threading.py (/tmp/perf-1.map)
"""
    (found,) = (
        folded_stacks.without_machinery(stack) for stack in folded_stacks.read_perf(io.StringIO(script), PROJECT)
    )
    assert found == (
        "Thread.run (threading.py)_[p]",
        "send_file (servers/modes/read_send.py)_[p]",
        "sock_sendall",
        "__send",
    )
    assert folded_stacks.joined({found: 1}, SAMPLED, lambda _: "") == {found: 1}


def test_who_called_the_trampolines_frame_is_known_from_the_samples() -> None:
    """perf cannot unwind through the trampoline: it sees the innermost frame of Python alone."""
    read, slept = "send_file (servers/modes/read_send.py)_[p]", "send_file (servers/modes/other.py)_[p]"
    outer = "_connection (server.py:1)_[p]"
    found = {(read, "os_preadv", "do_preadv_[k]"): 2, (read, "_PyEval_EvalFrameDefault"): 3, (slept, "sleep"): 5}
    assert folded_stacks.joined(found, SAMPLED, lambda frame: LINES.get(frame, "")) == {
        (outer, READ + "_[p]", "os_preadv", "do_preadv_[k]"): 2,  # the very line, by the call that it makes
        (outer, read, "_PyEval_EvalFrameDefault"): 3,
        (slept, "sleep"): 5,  # never sampled: nobody knows
    }


def test_folded_text_is_read_as_it_was_written() -> None:
    seen = Counter({("a", "b c_[k]"): 3, ("a",): 1})
    assert folded_stacks.read_folded(folded_stacks.write_folded(seen)) == seen
    assert folded_stacks.read_folded(folded_stacks.write_folded(seen) + " 2\n") == seen
    with pytest.raises(ValueError):
        folded_stacks.read_folded("a;b\n")


def test_the_source_of_a_sampled_line_is_found_in_the_project_and_in_the_standard_library(tmp_path: Path) -> None:
    lines = (PROJECT / "servers/modes/sendfile.py").read_text().splitlines()
    number = next(at for at, line in enumerate(lines, 1) if "os.sendfile(" in line)
    assert "os.sendfile(" in folded_stacks.source_line(f"send_file (servers/modes/sendfile.py:{number})", [PROJECT])
    assert folded_stacks.source_line("run (threading.py:1)", [PROJECT])
    assert (
        folded_stacks.source_line("run (nowhere.py:1)", [tmp_path])
        == folded_stacks.source_line("a C function", [PROJECT])
        == ""
    )
