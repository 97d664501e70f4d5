"""Runs checks, each in a process of its own, and says in one line what went wrong there: also a crash, also a hang."""

import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from interpreter import PYTHON
from profiles.contract.checks import CHECKS, Check
from profiles.scratch import Scratch
from servers import discovery

LIMIT_S = 15.0
_MORE_S = 5.0  # until one that does not end by itself is killed


def run_all(name: str) -> Iterator[tuple[Check, str | None]]:
    """Each check of this mode, and what is wrong; ends after the first one that fails. Raises UsageError for an unknown
    name."""
    discovery.require_known(name)
    with closing(Scratch()) as scratch:
        for check in CHECKS.values():
            wrong = run(name, check, scratch.path)
            yield check, wrong
            if wrong is not None:
                return


def run(name: str, check: Check, folder: Path, limit_s: float = LIMIT_S) -> str | None:
    """What is wrong with this mode; None where the check passes. folder: where files may be written."""
    # -B: bytecode would be taken for that of a file that was changed within the same second, and is as long as before
    command = [*PYTHON, "-B", "-m", "profiles.contract", name, check.name, str(folder.absolute()), str(limit_s)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:  # a pipe would wait for grandchildren
        process = subprocess.Popen(
            command, cwd=discovery.LAB.parent, stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
            start_new_session=True,
        )  # fmt: skip
        try:
            code = process.wait(limit_s + _MORE_S)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _kill_all(process)
        out.seek(0)
        errors.seek(0)
        printed, said = out.read(), errors.read().decode(errors="replace")
    try:
        wrong = json.loads(printed.splitlines()[-1])
    except (ValueError, IndexError):
        return _how_it_ended(code, said, name, limit_s)
    return None if wrong is None else str(wrong)


def _kill_all(process: subprocess.Popen[bytes]) -> None:
    """And what it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _how_it_ended(code: int | None, said: str, name: str, limit_s: float) -> str:
    """said: on stderr, with the stacks that faulthandler wrote."""
    lines = re.findall(rf'File ".*/{re.escape(discovery.file_name(name))}", line (\d+)', said)
    place = f" at {discovery.file_name(name)}:{lines[0]}" if lines else ""
    if code is None or said.startswith("Timeout"):
        return f"it hung{place}: the check did not end within {limit_s:g} s"
    if code < 0:
        return f"it was killed by {signal.Signals(-code).name}{place}"
    return f"it ended the process with exit code {code}, which no data path may do{place}"
