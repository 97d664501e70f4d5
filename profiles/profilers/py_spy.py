"""Flame graphs: py-spy attached to a server in the profile pass.

Its rule: a flame graph that cannot be had is a reason with a remedy, never a failure of the run.

py-spy runs with --nonblocking: by default it stops the target at every sample and so changes what it measures.
It is ended by its own duration (or by its target's end), since SIGTERM would make it write nothing. Two recorders
run side by side, as one writes the picture and the other the folded stacks.
"""

import contextlib
import html
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from profiles.protocol import Recording
from profiles.scratch import Scratch

RATE_HZ = 100
_TITLE = re.compile(r'(<text id="title"[^>]*>)[^<]*')  # py-spy's own title is its command line
# With --subprocesses the root of each stack is a command line, of any characters, before a frame like "run (a.py:1)".
_PROCESS = re.compile(r'^(?:process \d+:".*?";(?=process \d+:"|[^;"\n]+ \())+', re.MULTILINE | re.DOTALL)
_FORMATS = {"svg": "flamegraph", "raw": "raw"}
_REMEDIES = {
    "Permission Denied": "run as root, set sysctl kernel.yama.ptrace_scope=0, or give the container SYS_PTRACE",
    "Operation not permitted": "run as root, or give the container the capability SYS_PTRACE",
    "Failed to find python version": "py-spy reads Python servers only",
    "Failed to get process executable name": "the server ended before py-spy could attach; look at its last words",
    "No stack counts found": "the server was idle the whole time; record under load, or for longer",
}


class PySpy:
    """One recording of one process, and perhaps of those below it: started at once, done when result() says so.

    pid: None where nothing runs Python, which is said then.
    """

    def __init__(self, pid: int | None, seconds: int, title: str, subprocesses: bool = False) -> None:
        self._scratch = Scratch()
        self._recorders: dict[str, subprocess.Popen[bytes]] = {}
        self._title = f"{title}: {RATE_HZ} samples a second for {seconds} s, py-spy"
        program = find_py_spy()
        self._missing = program is None
        self._broken: str | None = None
        self._runs_python = pid is not None
        if program is None or pid is None:
            return
        for suffix, form in _FORMATS.items():
            command = [program, "record", "--nonblocking", "--pid", str(pid), "--duration", str(seconds)]
            command += ["--subprocesses"] if subprocesses else []
            command += ["--rate", str(RATE_HZ), "--format", form, "--output", str(self._scratch.path / f"out.{suffix}")]
            with (self._scratch.path / f"{suffix}.log").open("wb") as log:
                try:
                    self._recorders[suffix] = subprocess.Popen(
                        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                    )
                except OSError as error:
                    self._broken = f"{program}: {error.strerror}"

    def result(self) -> Recording:
        """The recording as it stands; its files are removed once it is over."""
        if not self._runs_python:
            return self._over(Recording("failed", reason="no process of it runs Python, which is what py-spy reads"))
        if self._missing:
            return self._over(
                Recording("failed", reason="py-spy is not installed beside this Python; `make setup` installs it")
            )
        if self._broken is not None:
            self.kill()
            return Recording("failed", reason=explain(self._broken))
        if any(recorder.poll() is None for recorder in self._recorders.values()):
            return Recording("recording")
        for suffix, recorder in self._recorders.items():
            if recorder.returncode != 0:
                return self._over(Recording("failed", reason=self._reason(suffix, recorder.returncode)))
        contents = {suffix: (self._scratch.path / f"out.{suffix}").read_text(errors="replace") for suffix in _FORMATS}
        if not contents["raw"].strip():
            return self._over(Recording("failed", reason=explain("No stack counts found")))
        raw = _PROCESS.sub("", contents["raw"])
        svg = _TITLE.sub(lambda found: found[1] + html.escape(self._title), contents["svg"], count=1)
        return self._over(Recording("done", svg=svg, raw=raw))

    def kill(self) -> None:
        """End the recorders at once, for when the agent ends."""
        for recorder in self._recorders.values():
            recorder.kill()
            recorder.wait()
        self._scratch.close()

    def _reason(self, suffix: str, code: int) -> str:
        log = (self._scratch.path / f"{suffix}.log").read_text(errors="replace")
        lines = [line.strip() for line in log.splitlines() if line.strip()]
        known = next((line for line in lines for symptom in _REMEDIES if symptom in line), None)
        return explain(known or (lines[-1] if lines else f"exit code {code}"))

    def _over(self, recording: Recording) -> Recording:
        self._scratch.close()
        return recording


def first_python(pids: Sequence[int]) -> int | None:
    """The first of some processes that runs Python, None where none does."""
    return next((pid for pid in pids if runs_python(pid)), None)


def runs_python(pid: int) -> bool:
    """Whether a process's program is called a Python, or has one in it. One that we may not look at may be."""
    try:
        name = Path(f"/proc/{pid}/exe").readlink().name
        return "python" in name or b"libpython" in Path(f"/proc/{pid}/maps").read_bytes()
    except PermissionError:
        return True  # py-spy will say why it may not
    except OSError:  # it has ended
        return False


def source_folders(pid: int) -> list[Path]:
    """Where the sources of a Python process may lie beside the standard library: its folder, its packages."""
    with contextlib.suppress(OSError):
        program = Path(os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]))
        packages = program.parent.parent.glob("lib/python3*/site-packages") if program.is_absolute() else ()
        return [Path(f"/proc/{pid}/cwd").readlink(), *packages]
    return []


def explain(symptom: str) -> str:
    remedy = next((remedy for known, remedy in _REMEDIES.items() if known in symptom), "see `py-spy record --help`")
    return f"py-spy could not record: {symptom.removeprefix('Error: ')}; {remedy}"


def find_py_spy(which: Callable[..., str | None] = shutil.which) -> str | None:
    """py-spy of this environment, else of the PATH."""
    return which("py-spy", path=str(Path(sys.executable).parent)) or which("py-spy")
