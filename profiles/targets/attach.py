"""Finds an external server that already runs: by its process number, a file that holds it, or its container.

The server is found, and nothing is done to it.
"""

import shutil
import subprocess
from pathlib import Path

import psutil

from errors import UserError
from profiles.targets.external import ExternalTarget

INSPECT_TIMEOUT_S = 10.0
_ENGINES = ("docker", "podman")


def find_running(name: str, external: ExternalTarget) -> int:
    """The server's first process. Raises UserError where it does not run."""
    if external.container is not None:
        pid = _process_of_container(name, external.container)
    elif isinstance(external.pid, Path):
        try:
            pid = int(external.pid.read_text())
        except (OSError, ValueError) as error:
            raise UserError(f"{name}: {external.pid} does not hold a process number: {error}") from error
    else:
        assert external.pid is not None
        pid = external.pid
    if not psutil.pid_exists(pid):
        raise UserError(f"{name}: there is no process {pid}: start it, and correct pid")
    return pid


def _process_of_container(name: str, container: str) -> int:
    engine = next((each for each in _ENGINES if shutil.which(each)), None)
    if engine is None:
        raise UserError(f"{name}: neither {' nor '.join(_ENGINES)} is installed: name the server by pid")
    command = [engine, "inspect", "--format", "{{.State.Pid}}", "--", container]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSPECT_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        remedy = f"check whether `{engine} ps` works, or name it by pid"
        raise UserError(f"{name}: {engine} did not answer for {INSPECT_TIMEOUT_S:g} s: {remedy}") from error
    if done.returncode or not done.stdout.strip().isdigit():
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise UserError(f"{name}: {engine} does not know container {container}: {lines[-1]}")
    if done.stdout.strip() == "0":
        raise UserError(f"{name}: container {container} does not run: start it")
    return int(done.stdout)
