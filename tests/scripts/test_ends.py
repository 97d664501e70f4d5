"""A signal to any process of a campaign, in any of its phases: nobody is left, nothing is lost, the next one starts.

Which process gets it is drawn from the seed: `SEED=n` in the environment draws others.
"""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from profiles.store.proof import Proof
from profiles.store.records import Sample, Slice
from profiles.store.run_folder import RUN_FILE, RunFolder
from tests.conftest import PROJECT, eventually
from tests.scripts.campaigns import command, command_line, connections, folder

SEED = int(os.environ.get("SEED", "1"))
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


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("number", SIGNALS, ids=[number.name for number in SIGNALS])
def test_a_signal_to_any_process_leaves_nobody_and_valid_records(
    served: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, phase: str
) -> None:
    rng = random.Random(f"{SEED} {number.name} {phase}")
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
