"""A signal to any process of a campaign, in any of its phases: nobody is left, nothing is lost, the next one starts.

What is tried, and which process gets it, is drawn: `TRIES=100 SEED=7` in the environment draws a hundred, and others.
"""

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
SHORT = ("--modes", "read-send", "sendfile", "--rounds", "1", "--window", "0.3", "--warm-up", "0", "--profile", "1")
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
    "profile": lambda processes, _: any("record" in command_line(process) for process in processes),
    "report": has("reports"),
}


def whole_tree(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        load = psutil.Process(process.pid)
        return [load, *load.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def is_left(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


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
        command(served, *SHORT), cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    run, seen, victim = folder(served), [], None
    try:
        deadline_s = time.monotonic() + END_S
        while process.poll() is None and time.monotonic() < deadline_s:
            seen = whole_tree(process)
            if seen and PHASES[phase](seen, run):
                victim = rng.choice(seen)
                victim.send_signal(number)
                break
        _, said = process.communicate(timeout=END_S)
    finally:
        process.kill()
    assert victim is not None, f"the phase was not met: {said}"
    eventually(lambda: not any(is_left(one) for one in seen))
    assert "Traceback" not in said
    read_everything(run)
    if number != signal.SIGKILL:
        assert list(temporary.glob("zero-copy-bench-scratch-*")) == []
    again = subprocess.run(
        [*command(served, *SHORT), "--run", "again", "--profile", "0"],
        cwd=PROJECT, capture_output=True, text=True, check=False, timeout=2 * END_S,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr


def read_everything(run: RunFolder) -> None:
    """Raises UserError for a record that cannot be read."""
    if not (run.path / RUN_FILE).exists():
        return
    run.read_run()
    run.read_cells()
    for kind in (Proof, Sample, Slice):
        run.read(kind)
