"""A signal to any process of a campaign, in any of its phases: nobody is left, nothing is lost, the next one starts.

What is tried, and which process gets it, is drawn: `TRIES=100 SEED=7` in the environment draws a hundred, and others.
"""

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from profiles.store.proof import Proof
from profiles.store.records import Sample, Slice
from profiles.store.run_folder import RUN_FILE, RunFolder
from tests.conftest import PROJECT, eventually
from tests.scripts.campaigns import command, command_line, connections, folder

SEED, TRIES = int(os.environ.get("SEED", "1")), int(os.environ.get("TRIES", "8"))
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
SHORT = ("--quick", "1", "--rounds", "1", "--window", "0.2", "--warm-up", "0")
DISTURBED = (*SHORT, "--modes", "read-send", "sendfile", "--profile", "1")
NEXT = (*SHORT, "--modes", "sendfile", "--run", "next", "--profile", "0")
END_S = 60.0
Reached = Callable[[list[psutil.Process], RunFolder], bool]


def has(*words: str) -> Reached:
    return lambda processes, _: any({*words} <= {*command_line(process)} for process in processes)


PHASES: dict[str, Reached] = {
    "set-up": has("profiles.agent"),
    "proof": lambda processes, run: (run.path / RUN_FILE).exists() and has("servers")(processes, run),
    "round": lambda processes, run: bool(run.read(Proof)) and has("servers")(processes, run),
    "slice": lambda processes, _: any(
        "servers" in command_line(process) and connections(process) >= 2 for process in processes
    ),
    "profile": lambda processes, run: bool(run.read_cells()) and has("record")(processes, run),
    "report": has("reports"),
}


def whole_tree(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        load = psutil.Process(process.pid)
        return [load, *load.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def left_with(temporary: Path) -> list[str]:
    """The command lines of all processes that were started with this folder for temporary files."""
    left = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("TMPDIR") == str(temporary) and process.status() != psutil.STATUS_ZOMBIE:
                left.append(" ".join(process.cmdline()))
    return left


def drawn() -> Iterator[Any]:
    """TRIES of all signals in all phases, in an order that SEED draws; each comes once before any comes twice."""
    cases = [(number, phase) for number in SIGNALS for phase in PHASES]
    chance = random.Random(SEED)
    for turn in range(0, TRIES, len(cases)):
        for number, phase in chance.sample(cases, min(len(cases), TRIES - turn)):
            yield pytest.param(turn, number, phase, id=f"{number.name}-{phase}-{turn}")


@pytest.mark.slow
@pytest.mark.parametrize(("turn", "number", "phase"), list(drawn()))
def test_a_signal_to_any_process_leaves_nobody_and_valid_records(
    served: Path, monkeypatch: pytest.MonkeyPatch, turn: int, number: signal.Signals, phase: str
) -> None:
    rng = random.Random(f"{SEED} {turn} {number.name} {phase}")
    temporary = served / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    process = subprocess.Popen(
        command(served, *DISTURBED), cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    run, victim = folder(served), None
    try:
        deadline_s = time.monotonic() + END_S
        while process.poll() is None and time.monotonic() < deadline_s:
            processes = whole_tree(process)
            if processes and PHASES[phase](processes, run):
                victim = rng.choice(processes)
                victim.send_signal(number)
                break
        _, said = process.communicate(timeout=END_S)
    finally:
        process.kill()
    assert victim is not None, f"the phase was not met: {said}"
    eventually(lambda: not left_with(temporary))
    assert "Traceback" not in said
    read_everything(run)
    if number != signal.SIGKILL:
        assert list(temporary.iterdir()) == []
    following = subprocess.run(
        command(served, *NEXT), cwd=PROJECT, capture_output=True, text=True, check=False, timeout=2 * END_S
    )
    assert following.returncode == 0, following.stderr


def read_everything(run: RunFolder) -> None:
    """Raises UserError for a record that cannot be read."""
    if not (run.path / RUN_FILE).exists():
        return
    run.read_run()
    run.read_cells()
    for kind in (Proof, Sample, Slice):
        run.read(kind)
