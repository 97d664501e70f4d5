"""A flame graph, or the reason why there is none."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from profiles.profilers import py_spy
from profiles.profilers.py_spy import PySpy
from profiles.protocol import Recording
from tests.conftest import eventually

BUSY = """
import time
def burn_here():
    until = time.monotonic() + 30
    while time.monotonic() < until: pass
burn_here()
"""


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    yield process
    process.kill()
    process.wait()


def finished(recorder: PySpy) -> Recording:
    results: list[Recording] = []

    def over() -> bool:
        results.append(recorder.result())
        return results[-1].state != "recording"

    eventually(over, 30)
    return results[-1]


def test_the_processes_below_are_recorded_and_their_command_lines_are_no_frames() -> None:
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}, 'a; \"b\";c'])"
    with subprocess.Popen([sys.executable, "-c", parent], start_new_session=True) as process:
        try:
            eventually(lambda: len(psutil.Process(process.pid).children()) == 1)
            recording = finished(PySpy(process.pid, 1, "two", subprocesses=True))
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    if recording.state == "failed" and "Permission" in recording.reason:
        pytest.skip(recording.reason)
    assert "burn_here" in recording.raw and "process " not in recording.raw and '"b"' not in recording.raw


def test_parts_of_a_second_are_rounded_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """py-spy takes whole seconds only."""
    asked = tmp_path / "asked"
    program = tmp_path / "py-spy"
    program.write_text(f'#!/bin/sh\necho "$@" >> {asked}\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setattr(py_spy, "find_py_spy", lambda: str(program))
    assert finished(PySpy(os.getpid(), 0.5, "half")).state == "failed"
    assert " --duration 1 " in asked.read_text() and "0.5" not in asked.read_text()


def test_a_python_that_is_too_new_is_named_as_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "py-spy"
    program.write_text("#!/bin/sh\necho 'Error: Unsupported version of Python: 3.19.0' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(py_spy, "find_py_spy", lambda: str(program))
    reason = finished(PySpy(os.getpid(), 1, "new")).reason
    assert reason.startswith("py-spy could not record: Unsupported version of Python: 3.19.0; start the server with")


def test_what_runs_no_python_is_not_asked() -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        assert py_spy.first_python([other.pid]) is None
        assert py_spy.first_python([other.pid, os.getpid()]) == os.getpid()
        other.kill()
    assert PySpy(None, 1, "sleep").result().reason.startswith("none of its processes runs Python")


def test_the_picture_and_the_stacks_show_the_busy_function(busy: subprocess.Popen[bytes]) -> None:
    recording = finished(PySpy(busy.pid, 1, "<busy>"))
    if recording.state == "failed" and "Permission" in recording.reason:
        pytest.skip(recording.reason)
    assert recording.state == "done", recording.reason
    assert "burn_here" in recording.raw and "burn_here" in recording.svg
    assert recording.svg.rstrip().endswith("</svg>")
    assert ">&lt;busy&gt;: 100 samples a second for 1 s, py-spy<" in recording.svg and "--pid" not in recording.svg


def test_a_process_that_is_gone_is_a_reason() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    recording = finished(PySpy(process.pid, 1, "gone"))
    assert recording.state == "failed"
    assert recording.reason.startswith("py-spy could not record") and "\n" not in recording.reason


def test_a_process_that_is_not_python_is_a_reason() -> None:
    process = subprocess.Popen(["sleep", "30"])
    try:
        recording = finished(PySpy(process.pid, 1, "gone"))
    finally:
        process.kill()
        process.wait()
    assert recording.state == "failed"
    assert recording.reason.startswith("py-spy could not record")


def test_without_py_spy_the_reason_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(py_spy, "find_py_spy", lambda: None)
    recording = PySpy(os.getpid(), 1, "us").result()
    assert recording.state == "failed" and "make setup" in recording.reason


def test_ending_early_leaves_no_recorder(busy: subprocess.Popen[bytes]) -> None:
    recorder = PySpy(busy.pid, 60, "busy")
    threading.Event().wait(0)
    recorder.kill()
    assert all(process.returncode is not None for process in recorder._recorders.values())
